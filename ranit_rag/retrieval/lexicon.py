"""The words of a store: in which examples they occur, and in which they are annotated with which type."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any

from ranit_rag.precedents import Precedent
from ranit_rag.retrieval.boundaries import StoreBoundaries, Words
from ranit_rag.text.letters import SPACED_LETTER
from ranit_rag.types import CORRECTED, Example

_NO_ROWS: frozenset[int] = frozenset()
_SHORTEST = 2  # characters: a single one says too little
_HARDLY = 0.01  # of the mentions of the rarer type: so many that overlap are slips of those who annotated


class StoreLexicon:
    """Words are compared without case, and found only where they begin and end as words.

    An example is taken to be annotated with all of the store's types, but for a corrected extraction: that tells only
    of the types that it has. Making a lexicon takes a pass over the store's entities; where words occur is found when
    it is first asked.
    """

    def __init__(self, examples: Sequence[Example], version: int = 0) -> None:
        self.version = version
        self._examples = examples
        self._annotated: dict[str, dict[str, set[int]]] = {}
        for row, example in enumerate(examples):
            for entity in example.entities:
                words = lowered(entity.text)
                if len(words) >= _SHORTEST:
                    self._annotated.setdefault(words, {}).setdefault(entity.label.casefold(), set()).add(row)
        self._only = {
            row: frozenset(label.casefold() for label in example.labels)
            for row, example in enumerate(examples)
            if example.source == CORRECTED
        }
        self._mentions = self._counted()
        self._most = max(self._mentions.values(), default=0)
        self._full, self._overlaps = self._overlapping()
        self._longest = max(map(len, self._annotated), default=0)
        self._beginnings = {words[: _first_end(words)] for words in self._annotated}
        texts = [lowered(example.text) for example in examples]
        self._ends = list(accumulate(len(text) + 1 for text in texts))
        self._joined = "\n".join(texts)
        self._occurring: dict[str, frozenset[int]] = {}

    def __deepcopy__(self, _: dict[int, Any]) -> StoreLexicon:
        return self  # it never changes, and may be large

    def annotated_in(self, text: str) -> list[tuple[int, int]]:
        """The places of a lowered text whose words are annotated in the store, in order."""
        bounds = [i for i in range(len(text) + 1) if _parted(text, i)]
        return [
            (start, end)
            for place, (start, first_end) in enumerate(pairwise(bounds))
            if text[start:first_end] in self._beginnings
            for end in bounds[place + 1 : bisect_right(bounds, start + self._longest)]
            if text[start:end] in self._annotated
        ]

    def boundaries(self, rows: Collection[int] | None = None) -> StoreBoundaries:
        """Between which words entities stand, in all examples or in some rows.

        Corrected examples, which lack types, do not count.
        """
        if rows is None:
            return self._boundaries
        chosen = [self._examples[row] for row in rows if self._examples[row].source != CORRECTED]
        return StoreBoundaries(chosen, [lowered(example.text) for example in chosen])

    def precedent(self, words: str, label: str, without: Collection[int]) -> Precedent | None:
        """What the store says of lowered words, but for some rows; None where it annotates no such type."""
        name = label.casefold()
        mentions = self._mentions[name]
        if len(words) < _SHORTEST or not mentions:
            return None
        annotated = self._annotated.get(words, {}).get(name, _NO_ROWS)
        rows = self._rows(words)
        silent = [row for row, told in self._only.items() if row in rows and name not in told]
        left_out = {row for row in (*without, *silent) if row in rows or row in annotated}
        seen = len(rows) + len(annotated - rows) - len(left_out)
        return Precedent(len(annotated) - len(annotated & left_out), seen, mentions / self._most)

    def apart(self, one: str, other: str) -> bool:
        """Whether the store annotates both types, and hardly ever in places that overlap."""
        names = one.casefold(), other.casefold()
        fewest = min(self._full[name] for name in names)
        return fewest > 0 and self._overlaps[_pair(*names)] <= _HARDLY * fewest

    @cached_property
    def _boundaries(self) -> StoreBoundaries:
        return self.boundaries(range(len(self._examples)))

    def _counted(self) -> Counter[str]:
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

    def _rows(self, words: str) -> frozenset[int]:
        """The rows in which the words occur, by themselves and not as a part of an entity."""
        found = self._occurring.get(words)
        if found is None:
            found = self._occurring[words] = frozenset(self._find(words))
        return found

    def _find(self, words: str) -> Iterable[int]:
        place = self._joined.find(words)
        while place >= 0:
            end, row = place + len(words), bisect_right(self._ends, place)
            whole = end < self._ends[row] and _parted(self._joined, place) and _parted(self._joined, end)
            counts = whole and not self._covered(row, place, end)
            if counts:
                yield row
            place = self._joined.find(words, self._ends[row] if counts else place + 1)

    def _covered(self, row: int, start: int, end: int) -> bool:
        """Whether a place is a part of an annotated one: what is annotated there tells nothing of its parts."""
        before = self._ends[row - 1] if row else 0
        return any(
            before + entity.start <= start and end <= before + entity.end and end - start < entity.end - entity.start
            for entity in self._examples[row].entities
        )


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

    def spans(self) -> list[tuple[int, int]]:
        return self._lexicon.annotated_in(self._text)

    def of(self, start: int, end: int, label: str) -> Precedent | None:
        found = self._lexicon.precedent(self._text[start:end], label, self._without)
        if found is None:
            return None
        bounds = self._lexicon.boundaries().likeness(self._words, start, end, label, self._left_out)
        return replace(found, bounds=bounds)

    def apart(self, one: str, other: str) -> bool:
        return self._lexicon.apart(one, other)


def lowered(text: str) -> str:
    """The text in lower case, of the same length: letters that have no single lower-case letter stay."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _first_end(words: str) -> int:
    """Where the first part of some words ends."""
    return next(place for place in range(1, len(words) + 1) if _parted(words, place))


def _parted(text: str, place: int) -> bool:
    """Whether a word may begin or end before the character at ``place``."""
    if place == 0 or place == len(text):
        return True
    before, after = _kind(text[place - 1]), _kind(text[place])
    return not (before and before == after)


@lru_cache(maxsize=1 << 14)
def _kind(character: str) -> str:
    """``letter`` or ``digit`` of words that blanks part; nothing else joins."""
    if character.isdigit():
        return "digit"
    return "letter" if SPACED_LETTER.match(character) else ""
