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


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """The annotated sets that episodes are drawn from: at most ``cap`` records of each, or what ``caps`` says.

    ``sets`` is a folder of .jsonl.xz. ``held_out`` sets are evaluated on and never read in any split but to keep their
    texts out; ``left_out`` ones are not used. Of a set's records without entities, at most the share ``empty`` of the
    others is kept. ``labels`` gives labels of a set another name, or none to forget them. ``simplified`` sets are in
    traditional characters, and are read in simplified ones. ``near`` and ``far`` are how many nearest records of the
    own set, and of others in the language, each record knows. ``written``: a folder of texts in blocks
    (``nano.written``), each of them a set of its own; of each file's blocks every ``spared``-th is not learned, so
    that what was learned can be measured on it (0: all are learned).
    """

    sets: Path
    held_out: tuple[str, ...]
    written: Path | None = None
    spared: int = 0
    simplified: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    cap: int = 25_000
    caps: Mapping[str, int] = field(default_factory=dict)
    longest: int = 1_600
    empty: float = 0.35
    labels: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    near: int = 8
    far: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EpisodeConfig:
    """How training episodes are drawn from the mixture. All but the last lines are probabilities.

    ``examples`` are those of 0, 1, 2 … examples. Of an episode with examples: ``near`` draws them from the nearest
    records of the set, ``anywhere`` from the whole set, ``mixed`` puts records of other sets among the nearest, and
    what is left over shows other sets' alone. ``renamed``: types have invented names, which only the examples explain;
    of these ``estranged``: mentions are invented words too, and of these ``unheard``: in the text others than in the
    examples. ``synonyms``: a type is called by another of its names. ``grouped``: a set's fine types are asked as its
    coarse ones (``groups``). ``joined``: records are put together to a longer text. ``swapped``: the text's mentions
    give way to others of their types in its set. ``lower``, ``typos``: noise, in English texts alone. ``foreign``: a
    type of another set is asked too, if it is of a kind of which the text's set annotates nothing. ``wide``: all that
    the text has of a kind (``nano.kinds``) is asked for as a whole, too.

    A set's weight is its size to the power of ``smoothing``, times ``weights``, or else ``written`` if it is a written
    block. Sets with more than ``most_types`` types are asked for a part of the absent ones. Of sets named in
    ``partial`` absent types are unknown.
    """

    examples: tuple[float, ...]
    near: float
    anywhere: float
    mixed: float
    renamed: float
    estranged: float
    synonyms: float
    grouped: float
    joined: float
    swapped: float
    lower: float
    typos: float
    foreign: float
    wide: float = 0.0
    unheard: float = 0.0
    groups: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    partial: tuple[str, ...] = ()
    written: float = 1.0
    smoothing: float = 0.6
    most_types: int = 20
    most_characters: int = 900


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A step reads ``parts`` batches, which as many devices read at once, or one of them one after the other.

    A batch has ``rows`` × ``length`` tokens: rows of plain text first ``plain_first``, last ``plain_last`` of them
    (shares), the others packed with episodes. It teaches at most ``answers`` tokens of answers; a token of plain
    text counts ``plain_weight`` of one.
    """

    steps: int
    rows: int
    length: int
    answers: int
    plain_first: float
    plain_last: float
    plain_weight: float
    seconds: float
    rate: RateConfig
    parts: int = 1
    seed: int = 0


_FOLDERS = {CorpusConfig: ("text", "sets"), MixtureConfig: ("sets", "written")}


def read_section(path: Path, name: str, kind: type[Section], stage: str | None = None) -> Section:
    """A section of the file; its folders are relative to it. ``stage``: the name of a section whose own sections say
    what differs in a later stage. Raises InputError for a missing or unknown key."""
    content = _content(path)
    values = _values(content, name, f"{path} has no section {name!r}")
    if stage is not None:
        changes = _values(content, stage, f"{path} has no stage {stage!r}")
        if unknown := sorted(changes.keys() - content.keys()):
            raise InputError(f"{path}: {stage}: unknown {', '.join(unknown)}", hint="a stage changes other sections")
        values = values | (changes.get(name) or {})
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    values |= {key: (path.parent / str(values[key])).resolve() for key in _FOLDERS.get(kind, ()) if key in values}
    if isinstance(values.get("rate"), dict):
        values["rate"] = _made(RateConfig, values["rate"], f"{path}: {name}.rate")
    return _made(kind, values, f"{path}: {name}")


def _values(content: Mapping[str, Any], name: str, missing: str) -> dict[str, Any]:
    values = content.get(name)
    if not isinstance(values, dict):
        raise InputError(missing, hint="start from a copy of nano.yaml")
    return values


def _content(path: Path) -> dict[str, Any]:
    yaml = require("yaml", extra="train")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {error}", hint="start from a copy of nano.yaml") from error
    return content if isinstance(content, dict) else {}


def _made(kind: type[Section], values: Mapping[str, Any], place: str) -> Section:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(map(str, values.keys() - names)):
        raise InputError(f"{place}: unknown {', '.join(unknown)}", hint=f"the keys are {', '.join(sorted(names))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{place}: {error}", hint="start from a copy of nano.yaml") from error
