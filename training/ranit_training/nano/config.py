"""The one YAML file of the small model's pre-training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ranit_rag.errors import InputError
from ranit_rag.extras import require

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """``text``: a folder of .txt.xz; ``sets``: one of annotated .jsonl.xz. ``characters`` caps files by their names.

    ``held_out`` sets are evaluated on: their texts are kept out in every split. ``left_out`` ones are just not used.
    """

    text: Path
    sets: Path
    held_out: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    characters: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ShapeConfig:
    """A Llama with tied embeddings and heads of ``head_size``."""

    hidden: int
    layers: int
    inner: int
    heads: int
    key_value_heads: int
    head_size: int
    context: int
    rope_theta: float = 10_000.0


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Steps of ``rows`` × ``length`` tokens up to ``tokens``, or as many as ``seconds`` allow on a slower machine.

    The rate rises over ``warmup`` steps, stays, and falls in a line from the share ``decay_from`` of the run on.
    """

    tokens: int
    rows: int
    length: int
    learning_rate: float
    weight_decay: float
    warmup: int
    decay_from: float
    seconds: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class NanoConfig:
    """The file's sections."""

    corpus: CorpusConfig
    shape: ShapeConfig
    pretrain: PretrainConfig


def read_config(path: Path) -> NanoConfig:
    """Read the file; its folders are relative to it. Raises InputError for a missing or unknown key."""
    yaml = require("yaml", extra="train")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {error}", hint="start from a copy of base.yaml") from error
    if not isinstance(content, dict) or content.keys() != {"corpus", "shape", "pretrain"}:
        raise InputError(f"{path} needs the sections corpus, shape and pretrain", hint="start from a copy of base.yaml")
    corpus = dict(content["corpus"])
    for key in ("text", "sets"):
        corpus[key] = (path.parent / str(corpus.get(key, ""))).resolve()
    for key in ("held_out", "left_out"):
        corpus[key] = tuple(corpus.get(key, ()))
    return NanoConfig(
        _section(CorpusConfig, corpus, path),
        _section(ShapeConfig, content["shape"], path),
        _section(PretrainConfig, content["pretrain"], path),
    )


def _section(kind: type[Section], values: Mapping[str, Any], path: Path) -> Section:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - names):
        raise InputError(f"{path}: unknown {', '.join(unknown)}", hint=f"the keys are {', '.join(sorted(names))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{path}: {error}", hint="start from a copy of base.yaml") from error
