"""How well texts are routed to their stores: measured with each text's own store there, and with it taken away.

Every set of annotated texts gives a store and queries that are not in it. A query is put with types of its own set,
with two common types, and with none. Sets without a store give queries that belong nowhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from ranit_rag.evaluation.embedding import EmbedsOnce
from ranit_rag.evaluation.reliability import calibration_error
from ranit_rag.retrieval.background import common_types
from ranit_rag.retrieval.bm25 import example_words
from ranit_rag.retrieval.judge import PAPER_BM25, AskModel, Calibrated, Case
from ranit_rag.retrieval.retriever import StoreRetriever, merged
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.text.duplicates import NearDuplicates
from ranit_rag.types import EntityType, Example

Style = Literal["own", "common", "none"]
STYLES: tuple[Style, ...] = get_args(Style)
OWN_TYPES = 4
COMMON_ASKED = 4  # the first of the common types: person, organization, location, date; two of them are asked


@dataclass(frozen=True, slots=True)
class RoutingSet:
    """A store's examples and the texts that belong to it. Without examples the texts belong nowhere."""

    name: str
    language: str
    types: tuple[str, ...]
    queries: tuple[str, ...]
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """One way of routing. ``right``: share of texts whose own store is the best. ``auroc``: of its score for texts with
    their store against the same texts without it."""

    right: float
    auroc: float


@dataclass(frozen=True, slots=True)
class ModelJudged:
    """What the judge ``llm`` said of a sample: shares of its ``texts``, and its AUROC beside the calibrated judge's."""

    texts: int
    false_in_domain: float
    rejected: float
    auroc: float
    calibrated_auroc: float


@dataclass(frozen=True, slots=True)
class StyleReport:
    """What was measured for one style of request; all are shares of the queries.

    ``false_in_domain``: in domain though the own store was away; ``strangers_in_domain``: though the text belongs
    nowhere; ``rejected``: out of domain though the store was there; ``misrouted``: in domain of another store than its
    own. ``kept_rate`` is the false in-domain rate at the threshold that was to keep it at ``wanted_rate``. ``ece`` is
    the expected calibration error of P(in domain) over ten bins, with and without the own store.
    """

    queries: int
    calibrated: Scored
    nearest_cosine: Scored
    p_value: Scored
    paper: Scored
    false_in_domain: float
    strangers_in_domain: float | None
    rejected: float
    misrouted: float
    wanted_rate: float
    kept_rate: float
    ece: float
    llm: ModelJudged | None = None


@dataclass(frozen=True, slots=True)
class RoutingReport:
    stores: int
    strangers: int
    styles: Mapping[Style, StyleReport]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One query under one set of stores: for each way the store it prefers, and how strongly.

    ``llm``: whether the model said yes, where it was asked.
    """

    stores: Mapping[str, str]
    scores: Mapping[str, float]
    kept: bool
    llm: bool | None


WAYS = ("calibrated", "nearest_cosine", "p_value", "paper")


def measure_routing(
    sets: Sequence[RoutingSet],
    embedder: Embedder,
    *,
    wanted_rate: float = 0.1,
    ask: Callable[[str], str] | None = None,
    asked: int = 5,
    seed: int = 0,
    on_progress: Callable[[str], None] = lambda _: None,
) -> RoutingReport:
    """Route all queries, each with all stores and, if it has one, with all but its own.

    All sets are of one language. Each text is embedded once. Stores that lack a query's own are calibrated anew, as
    those of somebody who has no such store. ``ask`` answers a prompt: with it the judge ``llm`` is measured as well, on
    the first ``asked`` queries of each set.
    """
    model = None if ask is None else AskModel(ask)
    remembering = EmbedsOnce(embedder)
    stored = [item for item in sets if item.examples]
    everything = _retriever(stored, remembering)
    answers: dict[Style, list[tuple[str, _Answer, _Answer | None]]] = {style: [] for style in STYLES}
    for item in sets:
        others = [other for other in stored if other is not item]
        fewer = _retriever(others, remembering) if item.examples else None
        rng = random.Random(f"{seed}\n{item.name}")
        for style in STYLES:
            for number, text in enumerate(item.queries):
                types = [EntityType(name) for name in _types(item, style, rng)]
                judge = model if number < asked else None
                present = _answer(everything, text, types, item.language, wanted_rate, judge)
                absent = _answer(fewer, text, types, item.language, wanted_rate, judge) if fewer else None
                answers[style].append((item.name, present, absent))
        on_progress(item.name)
    strangers = sum(not item.examples for item in sets)
    reports = {style: _report(rows, wanted_rate) for style, rows in answers.items()}
    return RoutingReport(len(stored), strangers, reports)


def without_repeats(examples: Iterable[Example], queries: Sequence[str]) -> tuple[Example, ...]:
    """The examples that no query nearly repeats, so that routing is not measured on texts that the store holds."""
    guards = [NearDuplicates(text) for text in queries]
    return tuple(example for example in examples if not any(example.text in guard for guard in guards))


def _types(item: RoutingSet, style: Style, rng: random.Random) -> list[str]:
    if style == "own":
        return rng.sample(item.types, min(OWN_TYPES, len(item.types)))
    if style == "common":
        return rng.sample(common_types(item.language)[:COMMON_ASKED], 2)
    return []


def _retriever(sets: Sequence[RoutingSet], embedder: Embedder) -> StoreRetriever:
    stores = MemoryStores()
    for item in sets:
        stores.open(item.name, embedder, create=True).add(item.examples)
    return StoreRetriever(stores, embedder=embedder, pool=3)


def _answer(
    retriever: StoreRetriever,
    text: str,
    types: list[EntityType],
    language: str,
    rate: float,
    model: AskModel | None,
) -> _Answer:
    case = retriever.cases([text], types, language=language)[0][0]
    probability = Calibrated()(case).probability or 0.0
    nearest = max(case.evidence, key=lambda item: item.similarities[0])
    calibration = case.calibrate()
    p_values = {item.store: calibration.p_value(item.store, item.text) for item in case.evidence}
    # Many texts share the greatest p-value; the nearer store is preferred among them.
    surest = max(case.evidence, key=lambda item: (p_values[item.store], item.text))
    return _Answer(
        {
            "calibrated": case.evidence[0].store,
            "nearest_cosine": nearest.store,
            "p_value": surest.store,
            "paper": nearest.store,
        },
        {
            "calibrated": probability,
            "nearest_cosine": float(nearest.similarities[0]),
            "p_value": p_values[surest.store],
            "paper": _paper_score(retriever, case),
        },
        probability >= calibration.fits[case.kind].threshold(rate),
        None if model is None else model(case).route == "in_domain",
    )


def _paper_score(retriever: StoreRetriever, case: Case) -> float:
    """How many of the two nearest examples pass the paper's BM25 threshold."""
    words = example_words(case.text, case.language)
    nearest = merged(case.evidence, 2)
    return float(sum(retriever.bm25(item.view).scores(words, [item.row])[0] >= PAPER_BM25 for item in nearest))


def _report(rows: Sequence[tuple[str, _Answer, _Answer | None]], wanted_rate: float) -> StyleReport:
    own = [(name, present, absent) for name, present, absent in rows if absent is not None]
    strangers = [present for _, present, absent in rows if absent is None]
    inside = np.array([present.scores["calibrated"] for _, present, _ in own])
    outside = np.array([absent.scores["calibrated"] for _, _, absent in own])
    wrong = np.array([present.stores["calibrated"] != name for name, present, _ in own])
    scored = {
        way: Scored(
            float(np.mean([present.stores[way] == name for name, present, _ in own])),
            auroc([present.scores[way] for _, present, _ in own], [absent.scores[way] for _, _, absent in own]),
        )
        for way in WAYS
    }
    return StyleReport(
        queries=len(own),
        **scored,
        false_in_domain=float((outside >= 0.5).mean()),
        strangers_in_domain=float(np.mean([s.scores["calibrated"] >= 0.5 for s in strangers])) if strangers else None,
        rejected=float((inside < 0.5).mean()),
        misrouted=float(((inside >= 0.5) & wrong).mean()),
        wanted_rate=wanted_rate,
        kept_rate=float(np.mean([absent.kept for _, _, absent in own])),
        ece=calibration_error(np.concatenate([inside, outside]), np.repeat([1.0, 0.0], len(own))),
        llm=_model_judged([(present, absent) for _, present, absent in own if present.llm is not None]),
    )


def _model_judged(rows: Sequence[tuple[_Answer, _Answer]]) -> ModelJudged | None:
    if not rows:
        return None
    inside = [float(bool(present.llm)) for present, _ in rows]
    outside = [float(bool(absent.llm)) for _, absent in rows]
    return ModelJudged(
        texts=len(rows),
        false_in_domain=float(np.mean(outside)),
        rejected=1 - float(np.mean(inside)),
        auroc=auroc(inside, outside),
        calibrated_auroc=auroc(
            [present.scores["calibrated"] for present, _ in rows], [absent.scores["calibrated"] for _, absent in rows]
        ),
    )


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """The chance that a positive scores higher than a negative; equal scores count half."""
    values = np.concatenate([positives, negatives])
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    _, first, counts = np.unique(values[order], return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    n, m = len(positives), len(negatives)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))
