"""Strict and partial span scores against nervaluate, which implements SemEval-2013 task 9.1."""

from __future__ import annotations

import random

import pytest

from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.metrics import partial_counts, strict_counts, total
from ranit_rag.types import Entity

nervaluate = pytest.importorskip("nervaluate")


def random_entities(rng: random.Random) -> list[Entity]:
    """Entities of one type that do not overlap: nervaluate pairs nested ones in its own way."""
    entities, position = [], 0
    for _ in range(rng.randrange(5)):
        start = position + rng.randrange(4)
        position = start + 1 + rng.randrange(5)
        entities.append(Entity("·" * (position - start), "x", start, position))
    return entities


def theirs(predicted: list[list[Entity]], gold: list[list[Entity]], scheme: str) -> Counts:
    def spans(entities: list[Entity]) -> list[dict[str, object]]:
        # Ends are inclusive there.
        return [{"label": e.label, "start": e.start, "end": e.end - 1} for e in entities]

    evaluator = nervaluate.Evaluator(list(map(spans, gold)), list(map(spans, predicted)), tags=["x"], loader="dict")
    found = evaluator.evaluate()["overall"][scheme]
    return Counts(found.correct + found.partial / 2, found.actual, found.possible)


def test_counts_are_those_of_nervaluate() -> None:
    rng = random.Random(3)
    predicted = [random_entities(rng) for _ in range(500)]
    gold = [random_entities(rng) for _ in range(500)]
    pairs = list(zip(predicted, gold, strict=True))
    assert total(strict_counts(p, g, ["x"])["x"] for p, g in pairs) == theirs(predicted, gold, "strict")
    ours = total(partial_counts(p, g, ["x"])["x"] for p, g in pairs)
    assert ours.right == pytest.approx(theirs(predicted, gold, "partial").right, rel=0.02), (
        "pairs may be made otherwise"
    )
    assert (ours.found, ours.there) == (sum(map(len, predicted)), sum(map(len, gold)))
