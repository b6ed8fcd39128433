"""Beside which words the entities of a store begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.concordance import EDGE, MARGIN, Concordance
from ranit_rag.text.words import Words

Kind = tuple[str, str]
"""``begin`` or ``end``, and the type of the entity that does."""
Context = tuple[str, ...]
"""The words on one side of a boundary, the nearest first."""

_ANY: Kind = ("", "")  # all boundaries of words, also those where no entity begins or ends
_BEFORE, _BEHIND = 0, 1
_PRIOR = 3.0  # observations that what is expected counts as


class StoreBoundaries:
    """How often entities of each type begin and end, and beside which words. Never changes.

    ``without``: rows that do not count.
    """

    def __init__(self, concordance: Concordance, without: NDArray[np.intp] | Sequence[int] = ()) -> None:
        self._numbers = concordance.numbers
        self._kinds: dict[Kind, int] = {_ANY: 0}
        for label, number in concordance.labels.items():
            self._kinds |= {("begin", label): 2 * number + 1, ("end", label): 2 * number + 2}
        words = concordance.words
        every = np.flatnonzero((words[1:] != words[0]) | (words[:-1] != words[0])) + 1  # not within a margin
        labels, begins, ends = concordance.entities.astype(np.int64).T
        of_entities = np.concatenate([(2 * labels + 1) * len(words) + begins, (2 * labels + 2) * len(words) + ends])
        kinds, places = np.divmod(np.concatenate([every, np.unique(of_entities)]), len(words))
        if len(without):
            counts = ~np.isin(concordance.rows_of(places), without)
            kinds, places = kinds[counts], places[counts]
        self._total = np.bincount(kinds, minlength=len(self._kinds))
        self._tallies = {
            _BEFORE: list(self._tallied(kinds, (words[places - 1 - near] for near in range(MARGIN)))),
            _BEHIND: list(self._tallied(kinds, (words[places + near] for near in range(MARGIN)))),
        }

    def likeness(self, text: Words, start: int, end: int, label: str, without: StoreBoundaries | None = None) -> float:
        """How much likelier than elsewhere an entity of the type begins and ends between the words of a place.

        The sum, over its two boundaries and the words before and behind each, of log(p₂ / p₀). p₀ = (n + ½) / (N + 1)
        is the share of the store's N boundaries where an entity of the type begins or ends. Of the N₁ beside the same
        word n₁ are such, of the N₂ beside the same two n₂, and each share is expected to be the one before it
        (hierarchical Dirichlet priors; MacKay and Peto, 1995): pᵢ = (nᵢ + 3 pᵢ₋₁) / (Nᵢ + 3). 0 where the store does
        not annotate the type, or no word begins and ends there. ``without`` is a part of the store that does not count.
        """
        found = 0.0
        for name, boundary in (("begin", text.begin.get(start)), ("end", text.end.get(end))):
            kind = (name, label.casefold())
            entities = self._count(kind, _BEFORE, (), without)
            if boundary is None or not entities:
                return 0.0
            share = (entities + 0.5) / (self._count(_ANY, _BEFORE, (), without) + 1)
            for side, context in _beside(text.words, boundary):
                expected = share
                for near in range(1, MARGIN + 1):
                    annotated, every = (self._count(each, side, context[:near], without) for each in (kind, _ANY))
                    expected = (annotated + _PRIOR * expected) / (every + _PRIOR)
                found += log(expected / share)
        return found

    def _tallied(self, kinds: NDArray[np.int64], context: Iterable[NDArray[np.int32]]) -> Iterator[Tally]:
        """How often each word, and each two words, stand beside boundaries of a kind."""
        codes = kinds.copy()
        for words in context:
            codes *= len(self._numbers)
            codes += words
            yield Tally(codes)

    def _count(self, kind: Kind, side: int, context: Context, without: StoreBoundaries | None = None) -> int:
        """How many boundaries are of a kind and have the words beside them."""
        fewer = without._count(kind, side, context) if without else 0
        code = self._kinds.get(kind)
        if code is None:
            return 0
        if not context:
            return int(self._total[code]) - fewer
        for word in context:
            number = self._numbers.get(word)
            if number is None:
                return 0
            code = code * len(self._numbers) + number
        return self._tallies[side][len(context) - 1][code] - fewer


class Tally:
    """How often numbers occur, in 12 bytes for each that does."""

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self._numbers, counts = np.unique(numbers, return_counts=True)
        self._counts = counts.astype(np.int32)

    def __getitem__(self, number: int) -> int:
        place = int(self._numbers.searchsorted(number))
        known = place < len(self._numbers) and self._numbers[place] == number
        return int(self._counts[place]) if known else 0


def _beside(words: tuple[str, ...], boundary: int) -> tuple[tuple[int, Context], tuple[int, Context]]:
    """The words before a boundary and behind it."""
    edges = (EDGE,) * MARGIN
    before = (*words[max(boundary - MARGIN, 0) : boundary][::-1], *edges)[:MARGIN]
    behind = (*words[boundary : boundary + MARGIN], *edges)[:MARGIN]
    return (_BEFORE, before), (_BEHIND, behind)
