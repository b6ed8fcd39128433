"""Utility: from which P(in domain) on a store's examples help the model, measured by extracting with and without them.

A few examples are taken out of a copy of the store and extracted from like new texts: once with what the judge would
show if it took the text to be in domain, once with what it would show if it did not. For a threshold t,

    F1(t) = micro F1 of the first extraction where P ≥ t, of the second elsewhere.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.config import Settings
from ranit_rag.engines.base import Engine
from ranit_rag.errors import StoreError
from ranit_rag.evaluation.copies import copied
from ranit_rag.evaluation.counts import Counts, set_counts, total
from ranit_rag.pipeline import Ranit, Request
from ranit_rag.progress import track
from ranit_rag.results import Extraction, Failure
from ranit_rag.retrieval.base import GivenExamples
from ranit_rag.retrieval.judge import MIN_STORE_SIZE, Calibrated
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.base import Embedder, ExampleStore, StoreSet
from ranit_rag.stores.snapshot import Snapshot
from ranit_rag.text import detect_language
from ranit_rag.types import Decision, Example, entity_types

DEFAULT_THRESHOLD = 0.5
THRESHOLDS = tuple(step / 20 for step in range(21))  # at 1.0 the store's examples are never shown
RESAMPLES = 1000
SURENESS = 0.9  # share of the resamples in which another threshold must beat the default
TYPES_ASKED = 8
LARGEST_SHARE = 0.5  # of the store that may be taken out


@dataclass(frozen=True, slots=True)
class Trial:
    """A text with its probability, and what was found in it as if it were in domain (``inside``) and as if not."""

    probability: float
    inside: Counts
    outside: Counts

    def is_shown(self, threshold: float) -> bool:
        """Whether the store's examples would be shown; at 1.0 they never are."""
        return self.probability >= threshold and threshold < 1

    def counts(self, threshold: float) -> Counts:
        return self.inside if self.is_shown(threshold) else self.outside


@dataclass(frozen=True, slots=True)
class ThresholdScore:
    """``shown`` is the share of the texts that get the store's examples."""

    threshold: float
    f1: float
    shown: float


@dataclass(frozen=True, slots=True)
class UtilityReport:
    """``sampled`` texts were extracted from twice; the judge took ``elsewhere`` more for another store's."""

    store: str
    sampled: int
    elsewhere: int
    f1_with: float
    f1_without: float
    threshold: float
    scores: tuple[ThresholdScore, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_utility(
    engine: Engine,
    stores: StoreSet,
    name: str,
    *,
    settings: Settings | None = None,
    embedder: Embedder | None = None,
    texts: int = 40,
    seed: int = 0,
    progress: bool = False,
) -> UtilityReport:
    """Try thresholds for a store; nothing is written. Costs two extractions for each of ``texts`` examples.

    Asked are the eight most frequent types of the store; how many examples are shown, and which of the nearest, is what
    ``settings`` say. ``embedder`` is as in ``StoreRetriever``. Raises StoreError where there is no such store or too
    little in it, and what the engine raises.
    """
    settings = settings if settings is not None else Settings.load()
    held_out, rest = _split(stores, name, texts, seed)
    types = _frequent_types(stores.open(name).snapshot())
    insides, outsides = (
        _decisions(_retriever(rest, threshold, embedder, settings), held_out, types) for threshold in (0.0, 1.0)
    )
    cases = [
        (example, inside, outside)
        for example, inside, outside in zip(held_out, insides, outsides, strict=True)
        if inside.route == "in_domain" and inside.store == name
    ]
    if not cases:
        raise StoreError(
            f"the judge takes none of {len(held_out)} examples of store {name!r} for its own",
            hint="other stores resemble it: merge them, or add examples",
        )
    examples = [example for example, *_ in cases for _ in range(2)]
    requests = [_request(example, decision, types) for example, *pair in cases for decision in pair]
    ner = Ranit(engine, retriever=GivenExamples(()), settings=settings)
    found = track(_extracted(ner, requests), total=len(requests), shown=progress)
    counts = [_count(extraction, example, types) for extraction, example in zip(found, examples, strict=True)]
    trials = [
        Trial(inside.probability or 0.0, counts[2 * i], counts[2 * i + 1]) for i, (_, inside, _) in enumerate(cases)
    ]
    scores = score_thresholds(trials)
    return UtilityReport(
        name,
        sampled=len(trials),
        elsewhere=len(held_out) - len(trials),
        f1_with=scores[0].f1,
        f1_without=scores[-1].f1,
        threshold=best_threshold(trials),
        scores=scores,
    )


def keep_threshold(store: ExampleStore, report: UtilityReport, model: str) -> None:
    """Note the threshold with the store, where the judge finds it, and what led to it."""
    found = {"f1_with": round(report.f1_with, 4), "f1_without": round(report.f1_without, 4)}
    store.note("utility", {"model": model, "sampled": report.sampled, **found})
    store.note("threshold", report.threshold)


def score_thresholds(trials: Sequence[Trial]) -> tuple[ThresholdScore, ...]:
    """The F1 of each threshold over all trials, ascending; at 1.0 nothing is shown."""
    scores = []
    for threshold in THRESHOLDS:
        shown = sum(trial.is_shown(threshold) for trial in trials) / len(trials)
        f1 = total(trial.counts(threshold) for trial in trials).f1
        scores.append(ThresholdScore(threshold, f1, shown))
    return tuple(scores)


def best_threshold(trials: Sequence[Trial]) -> float:
    """The threshold of the highest F1, of equal ones the nearest to 0.5.

    0.5 itself where that is not better in nine of ten resamples of the trials: then it may well be chance.
    """
    best = max(score_thresholds(trials), key=lambda score: (score.f1, -abs(score.threshold - DEFAULT_THRESHOLD)))
    draws = np.random.default_rng(0).integers(len(trials), size=(RESAMPLES, len(trials)))
    better = _resampled_f1(trials, best.threshold, draws) > _resampled_f1(trials, DEFAULT_THRESHOLD, draws)
    return best.threshold if better.mean() >= SURENESS else DEFAULT_THRESHOLD


def _resampled_f1(trials: Sequence[Trial], threshold: float, draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """The F1 of each row of ``draws``, which are positions in ``trials``."""
    counts = np.array([astuple(trial.counts(threshold)) for trial in trials])[draws].sum(axis=1)
    f1: NDArray[np.float64] = 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1)
    return f1


def _split(stores: StoreSet, name: str, texts: int, seed: int) -> tuple[list[Example], StoreSet]:
    """Examples of the store drawn at random, and a copy of all stores without them."""
    snapshot = stores.open(name).snapshot()
    count = min(texts, int(len(snapshot) * LARGEST_SHARE))
    if count < 1 or len(snapshot) - count < MIN_STORE_SIZE:
        raise StoreError(
            f"store {name!r} holds {len(snapshot)} examples, too few to take some out",
            hint=f"{2 * MIN_STORE_SIZE} are the least",
        )
    drawn = set(random.Random(seed).sample(range(len(snapshot)), count))
    return [snapshot.examples[row] for row in sorted(drawn)], copied(stores, without={name: drawn})


def _frequent_types(snapshot: Snapshot) -> tuple[str, ...]:
    counts = Counter(entity.label for example in snapshot.examples for entity in example.entities)
    return tuple(label for label, _ in counts.most_common(TYPES_ASKED))


def _retriever(stores: StoreSet, threshold: float, embedder: Embedder | None, settings: Settings) -> StoreRetriever:
    judge = Calibrated(threshold=threshold)
    return StoreRetriever(stores, embedder=embedder, judge=judge, strategy=settings.strategy, k=settings.k)


def _decisions(retriever: StoreRetriever, examples: Sequence[Example], types: Sequence[str]) -> list[Decision]:
    asked = entity_types(types)
    return [retriever.decide([e.text], asked, language=_language(e))[0] for e in examples]


def _language(example: Example) -> str:
    return example.language or detect_language(example.text)


def _request(example: Example, decision: Decision, types: Sequence[str]) -> Request:
    return Request(example.text, types, [shown.example for shown in decision.examples], _language(example))


def _extracted(ner: Ranit, requests: Sequence[Request]) -> Iterator[Extraction]:
    for result in ner.extract_many(requests):
        if isinstance(result, Failure):
            raise result.error
        yield result


def _count(extraction: Extraction, example: Example, types: Sequence[str]) -> Counts:
    found = {(e.start, e.end, e.label) for e in extraction.entities}
    there = {(e.start, e.end, e.label) for e in example.entities if e.label in types}
    return set_counts(found, there)
