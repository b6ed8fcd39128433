"""Beside which words the entities of a store begin and end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import regex

from ranit_rag.text.letters import SPACED_LETTER
from ranit_rag.types import Example

Kind = tuple[str, str]
"""``begin`` or ``end``, and the type of the entity that does."""
Sides = tuple[Counter[str], Counter[str]]
"""How often words stand before and after the boundaries of a kind."""
Beside = tuple[str, str]
"""The words before and after a boundary."""

_WORD = regex.compile(rf"(?:{SPACED_LETTER.pattern})+|\d+|\S", regex.V1)
_ANY: Kind = ("", "")  # all boundaries, also those between which no entity stands
_EDGE = ""  # the word beyond the end of a text
_NONE: Sides = Counter(), Counter()
_PRIOR = 3.0  # observations that what is expected counts as


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, and by the place where one begins or ends the number of that boundary."""

    words: tuple[str, ...]
    begin: dict[int, int]
    end: dict[int, int]

    @classmethod
    def of(cls, text: str) -> Words:
        found = [(match.group(), *match.span()) for match in _WORD.finditer(text)]
        return cls(
            tuple(word for word, *_ in found),
            {start: number for number, (_, start, _) in enumerate(found)},
            {end: number for number, (*_, end) in enumerate(found, 1)},
        )

    def beside(self, boundary: int) -> Beside:
        """The words before and after a boundary."""
        before, after = self.words[boundary - 1 : boundary], self.words[boundary : boundary + 1]
        return before[0] if before else _EDGE, after[0] if after else _EDGE


class StoreBoundaries:
    """Never changes. ``texts`` are those of the examples, written as the texts that will be asked about."""

    def __init__(self, examples: Sequence[Example], texts: Sequence[str]) -> None:
        self._total: Counter[Kind] = Counter()
        beside: defaultdict[Kind, Sides] = defaultdict(lambda: (Counter(), Counter()))
        for example, text in zip(examples, texts, strict=True):
            words = Words.of(text)
            before, after = beside[_ANY]
            before.update((_EDGE, *words.words))
            after.update((*words.words, _EDGE))
            self._total[_ANY] += len(words.words) + 1
            kinds = {
                (kind, entity.label.casefold(), boundary)
                for entity in example.entities
                for kind, boundary in (("begin", words.begin.get(entity.start)), ("end", words.end.get(entity.end)))
                if boundary is not None
            }
            for kind, label, boundary in kinds:
                self._total[kind, label] += 1
                for counts, word in zip(beside[kind, label], words.beside(boundary), strict=True):
                    counts[word] += 1
        self._beside = dict(beside)

    def likeness(self, text: Words, start: int, end: int, label: str, without: StoreBoundaries | None = None) -> float:
        """How much likelier than elsewhere an entity of the type begins and ends between the words of a place.

        The sum, over its two boundaries and the words before and after each, of log(p / p₀): p₀ is the share of the
        store's boundaries where an entity of the type begins or ends, p that of those beside the same word, expected
        to be p₀ (a Dirichlet prior). 0 where the store does not annotate the type, or no word begins and ends there.
        ``without`` is a part of the store that does not count.
        """
        found = 0.0
        for name, boundary in (("begin", text.begin.get(start)), ("end", text.end.get(end))):
            kind = (name, label.casefold())
            if boundary is None or kind not in self._total:
                return 0.0
            beside = text.beside(boundary)
            of_kind, of_any = self._counts(kind, beside, without), self._counts(_ANY, beside, without)
            share = (of_kind[0] + 0.5) / (of_any[0] + 1)
            for annotated, every in zip(of_kind[1:], of_any[1:], strict=True):
                found += log((annotated / share + _PRIOR) / (every + _PRIOR))
        return found

    def _counts(self, kind: Kind, beside: Beside, without: StoreBoundaries | None) -> tuple[int, int, int]:
        """How many boundaries are of a kind, and before and after how many of them the same word stands."""
        before, after = self._beside.get(kind, _NONE)
        found = self._total[kind], before[beside[0]], after[beside[1]]
        if without is None:
            return found
        fewer = without._counts(kind, beside, None)
        return found[0] - fewer[0], found[1] - fewer[1], found[2] - fewer[2]
