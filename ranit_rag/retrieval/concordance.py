"""Where the words of a store's texts stand, and between which of them its entities do."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray

from ranit_rag.text.words import WORD, lowered, parted
from ranit_rag.types import Example

EDGE = ""  # stands beyond both ends of a text
FREQUENT, REMEMBERED = 1000, 256  # words of so many texts take milliseconds to find: so many of them are kept
MARGIN = 2  # edges between two texts: so many words beside a boundary are counted


class Concordance:
    """The lowered words of all texts in one row, as numbers. Never changes.

    ``numbers`` has the number of each word, ``labels`` that of each lowered type; ``words`` the texts with ``MARGIN``
    edges before, between and behind them; ``firsts`` where the first word of each text stands; ``entities``, of shape
    ``[n, 3]``, the type of an entity, where its first word stands, and where the word after its last: those that begin
    or end within a word are not in it.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        labels: defaultdict[str, int] = defaultdict(count().__next__)
        margin = (numbers[EDGE],) * MARGIN
        words, firsts, entities = array("i", margin), array("i"), array("i")
        for example in examples:
            text = lowered(example.text)
            firsts.append(len(words))
            places = {place for each in example.entities for place in (each.start, each.end) if parted(text, place)}
            reached: dict[int, int] = {}  # where the next word stands, by the place in the text
            for start, end in pairwise((0, *sorted(places), len(text))):
                words.extend(map(numbers.__getitem__, WORD.findall(text, start, end)))
                reached[end] = len(words)
            for entity in example.entities:
                if entity.start in places and entity.end in places:
                    name = labels[entity.label.casefold()]
                    entities.extend((name, reached[entity.start], reached[entity.end]))
            words.extend(margin)
        self.numbers, self.labels = dict(numbers), dict(labels)
        self.words, self.firsts = _numbers(words), _numbers(firsts)
        self.entities = _numbers(entities).reshape(-1, 3)
        # Where each word stands: the places in the order of the words' numbers, and where each number begins there.
        self._order = np.argsort(self.words, kind="stable").astype(np.int32)
        self._starts = np.concatenate([[0], np.bincount(self.words, minlength=len(self.numbers)).cumsum()])
        # Where the furthest entity ends that begins at each word or before it.
        self._reach = np.zeros_like(self.words)
        np.maximum.at(self._reach, self.entities[:, 1], self.entities[:, 2])
        np.maximum.accumulate(self._reach, out=self._reach)
        self._frequent: dict[tuple[str, ...], NDArray[np.intp]] = {}

    def rows(self, words: tuple[str, ...]) -> NDArray[np.intp]:
        """The texts, in order, in which lowered words follow one another, and not only as a part of an entity."""
        found = self._frequent.get(words)
        if found is None:
            found = self._find(words)
            if len(found) >= FREQUENT:
                if len(self._frequent) >= REMEMBERED:
                    self._frequent.clear()
                self._frequent[words] = found
        return found

    def rows_of(self, places: NDArray[np.integer]) -> NDArray[np.intp]:
        """The texts in which words, or the edges behind them, stand."""
        return self.firsts.searchsorted(places, "right") - 1

    def _find(self, words: tuple[str, ...]) -> NDArray[np.intp]:
        numbers = [self.numbers.get(word, 0) for word in words]
        if not numbers or not all(numbers):  # the edge is no word, and 0
            return np.empty(0, np.intp)
        starts = self._starts
        rarest = min(range(len(numbers)), key=lambda each: starts[numbers[each] + 1] - starts[numbers[each]])
        places = self._order[starts[numbers[rarest]] : starts[numbers[rarest] + 1]] - rarest
        places = places[(places >= 0) & (places + len(numbers) <= len(self.words))]
        for each, number in enumerate(numbers):
            places = places[self.words[places + each] == number]
        ends = places + len(numbers)
        within = (self._reach[places - 1] >= ends) | (self._reach[places] > ends)
        return np.unique(self.rows_of(places[~within]))


def _numbers(values: array[int]) -> NDArray[np.int32]:
    return np.array(values, np.int32)
