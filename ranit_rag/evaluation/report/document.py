"""The report as a document: JSON with a schema (``ranit_rag/schemas/evaluation.v1.json``).

All of it but ``timings`` follows from the data, the stores and the models' answers, to the last digit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ranit_rag.errors import DataError
from ranit_rag.evaluation.reliability import Kept, ReliabilityBin
from ranit_rag.evaluation.scoring import Losses
from ranit_rag.evaluation.significance import Comparison, Estimate
from ranit_rag.types import Route

VERSION: Literal["ranit-evaluation.v1"] = "ranit-evaluation.v1"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """``identity`` tells its answers from those of other models: weights, adapter, server."""

    name: str
    engine: str
    context: int
    identity: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class SetInfo:
    """``texts`` of the ``available`` ones of the split were evaluated; ``repeated`` of them stand in a store, exactly
    or nearly. ``own`` examples are there at most for the set's own store. ``digest``: the file's SHA-256."""

    name: str
    language: str
    split: str
    texts: int
    available: int
    mentions: int
    types: tuple[str, ...]
    own: int
    repeated: int
    digest: str


@dataclass(frozen=True, slots=True)
class StoreInfo:
    name: str
    examples: int


@dataclass(frozen=True, slots=True)
class ArmInfo:
    """``name`` has the model's before it where several are compared. ``pool`` null: all there are. ``overlaps`` and
    ``min_score`` null: as the settings say, else the checkpoint."""

    name: str
    model: str
    judge: str
    strategy: str
    k: int
    pool: int | None
    others: bool
    overlaps: str | None = None
    min_score: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """``low`` and ``high`` bound F1 by the paired bootstrap over texts; null where that was not computed."""

    precision: float
    recall: float
    f1: float
    right: float
    found: int
    there: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TypeResult:
    type: str
    mentions: Score
    strict: Score


@dataclass(frozen=True, slots=True)
class RouteResult:
    """The texts whose first window took this route, with the mean number of examples shown."""

    route: Route
    texts: int
    examples: float
    mentions: Score
    strict: Score


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[i]`` values lie in ``[edges[i], edges[i + 1])``, the last in its closed end too."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge saw of the windows: ``similarity``, the mean cosine of the best store's three nearest, by route,
    and ``probability``, P(in domain), with the mean ``threshold``; null where the judge computed none."""

    similarity: dict[str, Histogram]
    probability: Histogram | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether the entities' scores mean what they say: against being right by the strict count."""

    ece: float
    curve: tuple[ReliabilityBin, ...]
    abstention: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """``cost`` is in the currency of the prices given; null without prices."""

    prompt: int
    cached: int
    output: int
    calls: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One arm on one set. ``mentions`` is UniversalNER's micro F1 of the entities' strings and of what is not in the
    text, ``original`` of what the original parser reads in the answers, whatever became of it (null for answers that it
    cannot read at all). ``counts`` has ``[right, found, there]`` of ``mentions``
    for each text in order; ``failed`` texts found nothing."""

    arm: str
    set: str
    texts: int
    failed: int
    mentions: Score
    original: Score | None
    strict: Score
    partial: Score
    types: tuple[TypeResult, ...]
    routes: tuple[RouteResult, ...]
    losses: Losses
    judged: Judged
    calibration: Calibration | None
    tokens: Tokens
    counts: tuple[tuple[float, int, int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm over the sets of a language, or over all sets (``language`` empty): the mean of their micro F1.

    ``comparison`` is with the baseline, the first arm; null for it itself. ``examples`` is the mean number shown.
    """

    arm: str
    language: str
    sets: int
    f1: Estimate
    strict: float
    comparison: Comparison | None
    examples: float
    routes: dict[str, float]
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, in all and by arm, set and stage: planning in this run, and generating when the answers were asked for.
    The only part that differs between two runs of the same."""

    total: float
    stages: dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured. ``prices`` are those of a million prompt, cached and output tokens."""

    report: Literal["ranit-evaluation.v1"]
    ranit: str
    seed: int
    level: float
    prices: tuple[float, float, float] | None
    models: tuple[ModelInfo, ...]
    sets: tuple[SetInfo, ...]
    stores: tuple[StoreInfo, ...]
    arms: tuple[ArmInfo, ...]
    summary: tuple[Summary, ...]
    results: tuple[Result, ...]
    timings: Timings

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``report_from`` reads it again."""
        return asdict(self)

    def result(self, arm: str, set_name: str) -> Result:
        """The result of an arm on a set. Raises KeyError."""
        for each in self.results:
            if (each.arm, each.set) == (arm, set_name):
                return each
        raise KeyError((arm, set_name))

    def summaries(self, language: str = "") -> list[Summary]:
        """One for each arm, over the sets of a language or all."""
        return [each for each in self.summary if each.language == language]

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.evaluation.report.fragment import report_fragment

        return report_fragment(self)


def report_from(content: object) -> Report:
    """The report of a JSON document. Raises DataError where it is none of this version."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Report).validate_python(content)
    except ValidationError as error:
        raise DataError(
            f"this is no report of {VERSION}: {error.errors()[0]['msg']}", hint="`ranit eval run` writes report.json"
        ) from error


def read_report(path: Path) -> Report:
    """The report of a file, or of the directory that ``ranit eval run --output`` wrote. Raises DataError."""
    file = path / "report.json" if path.is_dir() else path
    try:
        return report_from(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}", hint="`ranit eval run` writes report.json") from error


def report_schema() -> dict[str, Any]:
    """The JSON schema of the document, as it is kept in ``schemas/evaluation.v1.json``."""
    from pydantic import TypeAdapter

    schema = _plain(TypeAdapter(Report).json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:ranit-rag:evaluation.v1", **schema}


def _plain(schema: Any) -> Any:
    """A schema without the titles that only repeat names, and closed to other fields."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _plain(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    return {**kept, "additionalProperties": False} if "properties" in kept else kept
