"""Which types of a set are taken for each other: those whose mentions share words.

Asked of a text that has the one, the absent other is the question from which the difference can be learned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import permutations
from math import sqrt

from ranit_rag.types import Entity, Example

MOST = 6  # rivals of a type
_COMMON = 8  # a word that more types share tells nothing


def rivals(records: Iterable[Example], language: str) -> dict[str, tuple[str, ...]]:
    """By type, those that are most like it, first the nearest: by the cosine of the words in their mentions."""
    labels_of: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for entity in record.entities:
            for word in _words(entity, language):
                labels_of[word].add(entity.label)
    sizes = Counter(label for labels in labels_of.values() for label in labels)
    shared: Counter[tuple[str, str]] = Counter()
    for labels in labels_of.values():
        if len(labels) <= _COMMON:
            shared.update(permutations(sorted(labels), 2))
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (label, other), count in shared.items():
        found[label].append((-count / sqrt(sizes[label] * sizes[other]), other))
    return {label: tuple(other for _, other in sorted(others)[:MOST]) for label, others in found.items()}


def _words(entity: Entity, language: str) -> set[str]:
    """The whole mention and how it ends, which often says what kind of thing it is."""
    text = entity.text.casefold()
    return {text, text[-1:] if language == "zh" else text.rpartition(" ")[2]} - {""}
