"""The YAML file of the small model: a section for each stage."""

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
class RateConfig:
    """The rate rises over ``warmup`` steps, stays, and falls in a line from the share ``decay_from`` of the run on.

    ``peak`` is Muon's, for matrices, and AdamW's, for embeddings and norms.
    """

    peak: float
    weight_decay: float
    warmup: int
    decay_from: float


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Steps of ``rows`` × ``length`` tokens up to ``tokens``, or as many as ``seconds`` allow on a slower machine."""

    tokens: int
    rows: int
    length: int
    seconds: float
    rate: RateConfig
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TuneConfig:
    """Steps of ``batch`` conversations, packed into rows of ``length`` tokens; longer ones lose their last queries."""

    batch: int
    length: int
    epochs: float
    rate: RateConfig
    seed: int = 0


def read_section(path: Path, name: str, kind: type[Section]) -> Section:
    """A section of the file; its folders are relative to it. Raises InputError for a missing or unknown key."""
    yaml = require("yaml", extra="train")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {error}", hint="start from a copy of base.yaml") from error
    values = content.get(name) if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise InputError(f"{path} has no section {name!r}", hint="start from a copy of base.yaml")
    if kind is CorpusConfig:
        values = values | {key: (path.parent / str(values.get(key, ""))).resolve() for key in ("text", "sets")}
        values |= {key: tuple(values.get(key, ())) for key in ("held_out", "left_out")}
    if isinstance(values.get("rate"), dict):
        values = values | {"rate": _made(RateConfig, values["rate"], f"{path}: {name}.rate")}
    return _made(kind, values, f"{path}: {name}")


def _made(kind: type[Section], values: Mapping[str, Any], place: str) -> Section:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(map(str, values.keys() - names)):
        raise InputError(f"{place}: unknown {', '.join(unknown)}", hint=f"the keys are {', '.join(sorted(names))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{place}: {error}", hint="start from a copy of base.yaml") from error
