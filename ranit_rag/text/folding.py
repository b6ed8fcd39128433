"""Text in the form in which mentions are compared, and the way back to the original."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import compress

import numpy as np
import regex
from numpy.typing import NDArray

from ranit_rag.text.clusters import CLUSTER
from ranit_rag.text.letters import SPACED_LETTER

# A unit: a run of blanks and invisible characters, or one character as a reader sees it. The Arabic number signs and
# their like make one cluster with what follows, but here they do not take in a blank.
_RUN = regex.compile(r"[\s\x1c-\x1f\p{DI}]++")
_UNIT = regex.compile(rf"{_RUN.pattern}|\p{{GCB=Prepend}}(?=\s)|{CLUSTER}")

# Invisible in any place, and those that are no part of an entity that they end. The tags excepted tell flags apart.
_INVISIBLE = regex.compile(r"[\p{DI}--[\U000E0020-\U000E007F]]", regex.V1)
_JOINER = regex.compile(r"[\p{DI}&&\p{Cf}--[\U000E0020-\U000E007F]]", regex.V1)
_VARIANTS = {
    **dict.fromkeys(map(ord, "“”„‟〝〞"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛`´′ʼ"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘"), "-"),
    **dict.fromkeys(map(ord, "•‧・･"), "·"),  # between the parts of a foreign name in Chinese
    ord("〜"): "~",
}

# The kinds of characters that decide where words begin and end, as ASCII codes.
_A_LETTER, _A_DIGIT, _A_POINT, _A_BLANK, _ANOTHER = b"a1. -"


class Edge(IntEnum):
    """What parts two neighbouring characters of a text.

    Nothing parts two letters or two digits of one word. A seam is between a letter and a digit, ``10|mg``, and between
    a digit and the point or comma of its number, ``3|.|5``. Elsewhere a word begins or ends.
    """

    WORD = 0
    SEAM = 1
    NOTHING = 2


class Folded:
    """``source`` as ``text``: NFKC, case-folded, invisible characters dropped, quotes, dashes and middle dots unified.

    A run of blanks becomes one blank between two letters or two digits (of scripts that part words by blanks), else
    nothing: ``华 为`` is ``华为``, ``10 mg`` is ``10mg``, ``( CNN )`` is ``(cnn)``. Every grapheme cluster is folded by
    itself, so that a span of ``text`` can be mapped back. For each position of ``text``, its end included,

    ``starts`` and ``ends`` say where in the source the cluster that starts or ends there does so, -1 within a cluster;
    ``edges`` holds the Edge in the source.
    """

    def __init__(self, source: str) -> None:
        known = _Units()
        units = _UNIT.findall(source)
        folds = [known[unit].fold for unit in units]
        spaced = "".join(folds)
        kinds = spaced.translate({ord(character): _kind(character) for character in set(spaced)})
        edges, kept = _edges(np.frombuffer(f"--{kinds}--".encode(), np.uint8))

        self.text = "".join(compress(spaced, kept.tolist()))
        self.edges = np.append(edges[kept], np.uint8(Edge.WORD))

        lengths = _array(map(len, folds))
        lengths[np.searchsorted(np.cumsum(lengths), np.flatnonzero(~kept), side="right")] = 0
        ends = np.cumsum(lengths)
        widths = _array(map(len, units))
        source_starts = np.cumsum(widths) - widths
        source_ends = source_starts + _array(known[unit].visible for unit in units)
        left = lengths > 0
        self.starts = np.full(len(self.text) + 1, -1)
        self.starts[(ends - lengths)[left]] = source_starts[left]
        self.ends = np.full(len(self.text) + 1, -1)
        self.ends[ends[left]] = source_ends[left]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a unit folds to, and how many of its characters come before joiners that join nothing."""

    fold: str
    visible: int


class _Units(dict[str, _Unit]):
    """Units by their characters, each worked out once."""

    def __missing__(self, characters: str) -> _Unit:
        unit = self[characters] = _read_run(characters) if _RUN.match(characters) else _read_cluster(characters)
        return unit


def _read_run(characters: str) -> _Unit:
    return _Unit(" " if any(map(str.isspace, characters)) else "", len(characters))


def _read_cluster(characters: str) -> _Unit:
    plain = _INVISIBLE.sub("", characters).translate(_VARIANTS)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    visible = len(characters)
    while _JOINER.match(characters, visible - 1):
        visible -= 1
    return _Unit(folded.replace(" ", ""), visible)  # a blank in it, as in that of U+FDFA, is none in the source


@lru_cache(maxsize=1 << 14)
def _kind(character: str) -> int:
    if character == " ":
        return _A_BLANK
    if character in ".,":
        return _A_POINT
    if SPACED_LETTER.match(character):
        return _A_LETTER
    return _A_DIGIT if unicodedata.category(character)[0] == "N" else _ANOTHER


def _edges(kinds: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The Edge before each character, and whether it is kept: a blank that parts no word is not.

    ``kinds`` has two more characters at either side.
    """
    second_before, before, at, after = kinds[:-4], kinds[1:-3], kinds[2:-2], kinds[3:-1]
    word_before, word_at = _in_word(before), _in_word(at)
    in_number = (second_before == _A_DIGIT) & (before == _A_POINT) & (at == _A_DIGIT)
    in_number |= (before == _A_DIGIT) & (at == _A_POINT) & (after == _A_DIGIT)
    edges = np.full(len(at), Edge.WORD, np.uint8)
    edges[(word_before & word_at) | in_number] = Edge.SEAM
    edges[word_before & (before == at)] = Edge.NOTHING
    kept = (at != _A_BLANK) | (word_before & (before == after))
    return edges, kept


def _in_word(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(kinds, (_A_LETTER, _A_DIGIT))


def _array(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, np.int64)
