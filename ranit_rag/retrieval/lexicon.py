"""The words of a store: in which examples they occur, and in which they are annotated with which type."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.precedents import Precedent
from ranit_rag.retrieval.boundaries import StoreBoundaries
from ranit_rag.retrieval.concordance import Concordance
from ranit_rag.text.words import WORD, Words, lowered
from ranit_rag.types import CORRECTED, Example

_SHORTEST = 2  # characters: a single one says too little
_NO_ROWS = np.empty(0, np.intp)
_HARDLY = 0.01  # of the mentions of the rarer type: so many that overlap are slips of those who annotated


class StoreLexicon:
    """Words are compared without case and blanks, and found only where they begin and end as words.

    An example is taken to be annotated with all of the store's types, but for a corrected extraction: that tells only
    of the types that it has. Making a lexicon takes a pass over the store's entities; its texts are read when it is
    first asked for a precedent.
    """

    def __init__(self, examples: Sequence[Example], version: int = 0) -> None:
        self.version = version
        self._examples = examples
        self._annotated = _annotations(examples)
        self._corrected = np.array([example.source == CORRECTED for example in examples], bool)
        self._told = self._telling()
        self._mentions = self._frequencies()
        self._most = max(self._mentions.values(), default=0)
        self._full, self._overlaps = self._overlapping()
        self._longest = max((words.count(" ") + 1 for words in self._annotated), default=0)
        self._beginnings = {words.split(" ", 1)[0] for words in self._annotated}
        self._lock = threading.Lock()
        self._read: Concordance | None = None
        self._counted: StoreBoundaries | None = None

    def __deepcopy__(self, _: dict[int, Any]) -> StoreLexicon:
        return self  # it never changes, and may be large

    def annotated_in(self, words: Words, types: Sequence[str]) -> list[tuple[int, int, str]]:
        """The places of a lowered text whose words are annotated with one of the types, in order."""
        names = [(name, name.casefold()) for name in types]
        ends, most = list(words.end), self._longest
        return [
            (start, end, name)
            for start, first in words.begin.items()
            if words.words[first] in self._beginnings
            for end, joined in zip(
                ends[first : first + most], accumulate(words.words[first : first + most], _joined), strict=True
            )
            if (labels := self._annotated.get(joined))
            for name, label in names
            if label in labels
        ]

    def precedent(self, words: Sequence[str], label: str, without: Collection[int]) -> Precedent | None:
        """What the store says of lowered words, but for some rows; None where it annotates no such type."""
        name, joined = label.casefold(), " ".join(words)
        mentions = self._mentions[name]
        if len(joined) < _SHORTEST or not mentions:
            return None
        annotated = np.array(self._annotated.get(joined, {}).get(name, ()), np.intp)
        rows = self._concordance().rows(tuple(words))
        within = annotated[~_among(annotated, rows)]  # annotated only as a part of other entities
        silent = self._silent(rows, name)
        left_out = np.array([row for row in without if row not in silent], np.intp)
        fewer = _among(left_out, annotated)
        seen = len(rows) + len(within) - len(silent) - int((fewer | _among(left_out, rows)).sum())
        return Precedent(len(annotated) - int(fewer.sum()), seen, mentions / self._most)

    def boundaries(self, rows: Collection[int] | None = None) -> StoreBoundaries:
        """Between which words entities stand, in all examples or in some rows.

        Corrected examples, which lack types, do not count.
        """
        if rows is not None:
            return StoreBoundaries(Concordance([self._examples[row] for row in rows if not self._corrected[row]]))
        concordance = self._concordance()
        with self._lock:
            if self._counted is None:
                self._counted = StoreBoundaries(concordance, without=np.flatnonzero(self._corrected))
            return self._counted

    def apart(self, one: str, other: str) -> bool:
        """Whether the store annotates both types, and hardly ever in places that overlap."""
        names = one.casefold(), other.casefold()
        fewest = min(self._full[name] for name in names)
        return fewest > 0 and self._overlaps[_pair(*names)] <= _HARDLY * fewest

    def _concordance(self) -> Concordance:
        """Made by the thread that first asks for it, while others wait: it takes seconds of a large store."""
        with self._lock:
            if self._read is None:
                self._read = Concordance(self._examples)
            return self._read

    def _silent(self, rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        """The corrected examples among some that lack a type, and so do not tell of it."""
        corrected: NDArray[np.intp] = rows[self._corrected[rows]]
        return corrected[~_among(corrected, self._told.get(name, _NO_ROWS))]

    def _telling(self) -> dict[str, NDArray[np.intp]]:
        """The corrected examples that have a type, in order."""
        told: defaultdict[str, list[int]] = defaultdict(list)
        for row in np.flatnonzero(self._corrected).tolist():
            for label in {label.casefold() for label in self._examples[row].labels}:
                told[label].append(row)
        return {label: np.array(rows, np.intp) for label, rows in told.items()}

    def _frequencies(self) -> Counter[str]:
        """How often each type is annotated; the same words count once in an example."""
        mentions: Counter[str] = Counter()
        for labels in self._annotated.values():
            mentions.update({label: len(rows) for label, rows in labels.items()})
        return mentions

    def _overlapping(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """How many entities are of a type, and by pair of types how many of the one begin within one of the other.

        Corrected examples, which lack types, do not count.
        """
        entities: Counter[str] = Counter()
        overlaps: Counter[tuple[str, str]] = Counter()
        for example in (each for each in self._examples if each.source != CORRECTED):
            reach: dict[str, int] = {}
            for entity in sorted(example.entities, key=lambda each: (each.start, -each.end)):
                name = entity.label.casefold()
                overlaps.update(_pair(name, other) for other, end in reach.items() if entity.start < end)
                reach[name] = max(reach.get(name, 0), entity.end)
                entities[name] += 1
        return entities, overlaps


class TextPrecedents:
    """``Precedents`` of one text. ``lexicon`` and ``without``, the rows that repeat the text, are asked for late."""

    def __init__(self, text: str, lexicon: Callable[[], StoreLexicon], without: Callable[[], Collection[int]]) -> None:
        self._text = lowered(text)
        self._open = lexicon
        self._repeating = without

    @cached_property
    def _lexicon(self) -> StoreLexicon:
        return self._open()

    @cached_property
    def _without(self) -> Collection[int]:
        return self._repeating()

    @cached_property
    def _words(self) -> Words:
        return Words.of(self._text)

    @cached_property
    def _left_out(self) -> StoreBoundaries | None:
        return self._lexicon.boundaries(self._without) if self._without else None

    def annotated(self, types: Sequence[str]) -> list[tuple[int, int, str]]:
        return self._lexicon.annotated_in(self._words, types)

    def of(self, start: int, end: int, label: str) -> Precedent | None:
        found = self._lexicon.precedent(WORD.findall(self._text, start, end), label, self._without)
        if found is None:
            return None
        bounds = self._lexicon.boundaries().likeness(self._words, start, end, label, self._left_out)
        return replace(found, bounds=bounds)

    def apart(self, one: str, other: str) -> bool:
        return self._lexicon.apart(one, other)


def _annotations(examples: Sequence[Example]) -> dict[str, dict[str, list[int]]]:
    """The rows in which lowered words, with single blanks between them, are annotated with a lowered type."""
    found: dict[str, dict[str, list[int]]] = {}
    for row, example in enumerate(examples):
        for entity in example.entities:
            words = " ".join(WORD.findall(lowered(entity.text)))
            if len(words) >= _SHORTEST:
                rows = found.setdefault(words, {}).setdefault(entity.label.casefold(), [])
                if not rows or rows[-1] != row:
                    rows.append(row)
    return found


def _joined(words: str, word: str) -> str:
    return f"{words} {word}"


def _among(rows: NDArray[np.intp], known: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of some rows are among others, that are in order."""
    places = np.minimum(known.searchsorted(rows), max(len(known) - 1, 0))
    return known[places] == rows if len(known) else np.zeros(len(rows), bool)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
