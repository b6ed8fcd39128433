"""Grounding: from a mention, as a model wrote it, to the spans of the text where it stands.

Text and mention are compared folded (see ``folding``): case, width, composition, blanks, kinds of quotes and dashes,
and invisible characters make no difference. The answer is the first of these groups that is not empty:

1. places where the mention stands as a word, exactly as written;
2. places where it stands as a word, up to folding;
3. and 4., likewise, places where it is cut from a word at a seam: ``10`` in ``10mg``, ``COVID`` in ``COVID19``.

So ``IT`` finds ``it`` only where ``IT`` stands nowhere, and what stands only inside words, ``art`` in ``party``, is not
grounded, nor is a part of a grapheme cluster, ``e`` in a decomposed ``é``. In scripts that do not part words by blanks
(Chinese, Japanese, Thai; also Korean, whose particles join the noun) a mention may begin and end anywhere.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ranit_rag.text.folding import Edge, Folded

Span = tuple[int, int]

# A longer mention is not sought where it overlaps itself, which could take quadratic time.
_LONGEST_OVERLAPPING = 64


class Grounder:
    """Finds mentions in one text. The first ``find`` folds the text, which takes time in proportion to its length."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, mention: str) -> list[Span]:
        """The places ``(start, end)`` where ``mention`` stands, in order; empty where it is not grounded.

        Of places that overlap the first counts, as in ``str.count``. ``text[start:end]`` holds whole grapheme clusters,
        and no blanks or invisible characters at its ends.
        """
        sought = Folded(mention)
        if not sought.text:
            return []
        as_written = mention[sought.starts[0] : sought.ends[-1]]
        positions = np.array(_occurrences(self._folded.text, sought.text), np.int64)
        stops = positions + len(sought.text)
        starts, ends = self._folded.starts[positions], self._folded.ends[stops]
        edges = np.maximum(self._folded.edges[positions], self._folded.edges[stops])
        for edge in (Edge.WORD, Edge.SEAM):
            here = (starts >= 0) & (ends >= 0) & (edges == edge)
            spans: list[Span] = list(zip(starts[here].tolist(), ends[here].tolist(), strict=True))
            if spans:
                return _without_overlaps([s for s in spans if self.text[s[0] : s[1]] == as_written] or spans)
        return []

    @cached_property
    def _folded(self) -> Folded:
        return Folded(self.text)


def _occurrences(text: str, sought: str) -> list[int]:
    step = 1 if len(sought) <= _LONGEST_OVERLAPPING else len(sought)
    positions = []
    position = text.find(sought)
    while position >= 0:
        positions.append(position)
        position = text.find(sought, position + step)
    return positions


def _without_overlaps(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    last_end = 0
    for span in spans:
        if span[0] >= last_end:
            kept.append(span)
            last_end = span[1]
    return kept
