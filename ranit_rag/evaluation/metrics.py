"""Counts of one text's mentions, for each type: as strings and as spans. They add up over texts: micro averages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ranit_rag.evaluation.counts import Counts, set_counts, total
from ranit_rag.evaluation.universalner import normalise
from ranit_rag.types import Entity

__all__ = ["Counts", "mention_counts", "mention_key", "mention_outcomes", "partial_counts", "strict_counts", "total"]

Span = tuple[int, int]


def mention_counts(
    predicted: Mapping[str, Iterable[str]], gold: Mapping[str, Iterable[str]], types: Iterable[str]
) -> dict[str, Counts]:
    """UniversalNER's counts for one text: for each type asked, the sets of normalised strings ``{type: mentions}``.

    Strings, not places: a name that stands in a text three times counts once.
    """
    return {
        name: set_counts(map(normalise, predicted.get(name, ())), map(normalise, gold.get(name, ()))) for name in types
    }


def mention_outcomes(predicted: Iterable[Entity], gold: Iterable[Entity]) -> dict[tuple[str, str], tuple[float, bool]]:
    """The score of each mention that UniversalNER's counts have for one text, and whether it is right.

    A string that stands at several places has the best of their scores; entities without one are left out.
    """
    there = set(map(mention_key, gold))
    scores: dict[tuple[str, str], float] = {}
    for entity in predicted:
        if entity.score is not None:
            key = mention_key(entity)
            scores[key] = max(entity.score, scores.get(key, 0.0))
    return {key: (score, key in there) for key, score in scores.items()}


def mention_key(entity: Entity) -> tuple[str, str]:
    """Its type, and its text as UniversalNER compares it."""
    return entity.label, normalise(entity.text)


def strict_counts(predicted: Iterable[Entity], gold: Iterable[Entity], types: Iterable[str]) -> dict[str, Counts]:
    """For each type asked, the entities that have the very same span."""
    found, there = _spans(predicted), _spans(gold)
    return {name: set_counts(found.get(name, ()), there.get(name, ())) for name in types}


def partial_counts(predicted: Iterable[Entity], gold: Iterable[Entity], types: Iterable[str]) -> dict[str, Counts]:
    """As strict, but an entity that overlaps one of its type counts half (SemEval-2013 task 9.1, "partial").

    Pairs with the same span are made first, the others in order of position; each entity is in one pair at most.
    """
    found, there = _spans(predicted), _spans(gold)
    return {name: _partial(found.get(name, set()), there.get(name, set())) for name in types}


def _spans(entities: Iterable[Entity]) -> dict[str, set[Span]]:
    spans: dict[str, set[Span]] = {}
    for entity in entities:
        spans.setdefault(entity.label, set()).add((entity.start, entity.end))
    return spans


def _partial(found: set[Span], there: set[Span]) -> Counts:
    left = sorted(there - found)
    parts = 0
    for start, end in sorted(found - there):
        partner = next((span for span in left if start < span[1] and span[0] < end), None)
        if partner is not None:
            left.remove(partner)
            parts += 1
    return Counts(len(found & there) + parts / 2, len(found), len(there))
