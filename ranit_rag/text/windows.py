"""Windows: the pieces in which a model reads a text that is longer than it can read at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ranit_rag.errors import InputError
from ranit_rag.text.clusters import cluster_ends
from ranit_rag.text.sentences import sentence_ends

# A text of more characters than this for each token is not counted as a whole: that takes a tokenizer gigabytes.
_LONGEST_TOKEN = 128


@dataclass(frozen=True, slots=True)
class Window:
    """The characters ``[start, end)`` of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, or a part of one that is longer than a window; windows are made of whole pieces.

    ``tokens`` is at least 1.
    """

    start: int
    end: int
    tokens: int


def split_windows(
    text: str, *, max_tokens: int, overlap_tokens: int, count_tokens: Callable[[str], int]
) -> list[Window]:
    """Cover ``text`` with windows of at most ``max_tokens``, each sharing whole sentences with the one before.

    The shared sentences come to at most ``overlap_tokens``, and to no more than half a window; there are none where the
    last sentence alone is longer. A sentence longer than a window is cut, after a blank, else after punctuation, else
    between grapheme clusters, and shared in part. Every character is in a window, also in blank text; only empty text
    has none. Tokens need not add up: every window is counted as a whole. All in all, three to five times the text is
    counted. Raises InputError for a bad budget, and where a single character is over it.
    """
    if max_tokens < 1 or overlap_tokens < 0:
        raise InputError(
            f"windows of {max_tokens} tokens that overlap by {overlap_tokens} cannot be made",
            hint="max_tokens must be at least 1 and overlap_tokens at least 0",
        )
    if not text:
        return []
    if len(text) <= _LONGEST_TOKEN * max_tokens and count_tokens(text) <= max_tokens:
        return [Window(0, len(text))]
    overlap = min(overlap_tokens, max_tokens // 2)
    cutter = _Cutter(text, max_tokens, wanted=overlap or max_tokens, count_tokens=count_tokens)
    return _pack(text, cutter.pieces(), max_tokens, overlap, count_tokens)


class _Cutter:
    """Cuts a text into sentences, and sentences of more than ``max_tokens`` into parts of at most ``wanted`` tokens."""

    def __init__(self, text: str, max_tokens: int, wanted: int, count_tokens: Callable[[str], int]) -> None:
        self._text = text
        self._max_tokens = max_tokens
        self._wanted = wanted
        self._count_tokens = count_tokens

    def pieces(self) -> Iterator[_Piece]:
        """The pieces in order, as they are asked for: those of a whole book would fill the memory."""
        start = 0
        for end in sentence_ends(self._text):
            sentence = self._piece(start, end)
            if sentence.tokens <= self._max_tokens:
                yield sentence
            else:
                yield from self._cut(sentence, [start, *cluster_ends(self._text, start, end)])
            start = end

    def _piece(self, start: int, end: int) -> _Piece:
        return _Piece(start, end, max(self._count_tokens(self._text[start:end]), 1))

    def _cut(self, piece: _Piece, bounds: list[int]) -> list[_Piece]:
        """The parts of ``piece``; ``bounds`` are the places where it may be cut, its start and end among them.

        The parts are equal in characters, and are cut again where their tokens are denser: all is counted about twice.
        """
        if len(bounds) == 2:
            return [piece] if piece.tokens <= self._max_tokens else self._cut_cluster(piece)
        if piece.tokens <= self._wanted:
            return [piece]
        parts: list[_Piece] = []
        steps = len(bounds) - 1
        count = min(steps, piece.tokens // self._wanted + 1)
        low = 0
        for number in range(1, count + 1):
            high = steps if number == count else self._best_cut(bounds, low, steps * number // count)
            part = self._piece(bounds[low], bounds[high])
            parts += self._cut(part, bounds[low : high + 1])
            low = high
        return parts

    def _cut_cluster(self, piece: _Piece) -> list[_Piece]:
        if piece.end - piece.start == 1:
            raise InputError(
                f"the character {self._text[piece.start]!r} alone is {piece.tokens} tokens, "
                f"more than a window of {self._max_tokens}",
                hint="give the text more room: fewer or shorter examples, or a model with a longer context",
            )
        return self._cut(piece, list(range(piece.start, piece.end + 1)))

    def _best_cut(self, bounds: list[int], low: int, high: int) -> int:
        """The last good place to cut in the second half of ``bounds[low:high]``, else ``high``."""
        after_punctuation = high
        for index in range(high, (low + high) // 2, -1):
            character = self._text[bounds[index] - 1]
            if character.isspace():
                return index
            if after_punctuation == high and unicodedata.category(character)[0] == "P":
                after_punctuation = index
        return after_punctuation


def _pack(
    text: str, pieces: Iterator[_Piece], max_tokens: int, overlap: int, count_tokens: Callable[[str], int]
) -> list[Window]:
    windows: list[Window] = []
    held: list[_Piece] = []  # from the first piece of the next window on
    new = 0  # the first of them that is in no window yet
    while _read_on(pieces, held, new, max_tokens):
        first, end = _fill(held, 0, new, max_tokens)
        while end - first > 1:  # one piece was counted by itself
            tokens = count_tokens(text[held[first].start : held[end - 1].end])
            if tokens <= max_tokens:
                break
            added_up = sum(piece.tokens for piece in held[first:end])
            first, end = _fill(held, first, new, added_up * max_tokens // tokens)
        windows.append(Window(held[first].start, held[end - 1].end))
        first = _overlap_start(held, first + 1, end, overlap)
        new = end - first
        del held[:first]
    return windows


def _read_on(pieces: Iterator[_Piece], held: list[_Piece], new: int, budget: int) -> bool:
    """Hold as many more pieces as the next window may need to be full; whether there is one from ``new`` on."""
    tokens = sum(piece.tokens for piece in held[new:])
    while tokens <= budget and (piece := next(pieces, None)) is not None:
        held.append(piece)
        tokens += piece.tokens
    return len(held) > new


def _fill(pieces: list[_Piece], first: int, new: int, budget: int) -> tuple[int, int]:
    """The run of pieces from ``first`` whose tokens add up to the budget, with ``new`` in it.

    Where that needs room the run begins later, at ``new`` at the latest, even if ``new`` alone is over the budget.
    """
    end = new + 1
    tokens = sum(piece.tokens for piece in pieces[first:end])
    while tokens > budget and first < new:
        tokens -= pieces[first].tokens
        first += 1
    while end < len(pieces) and tokens + pieces[end].tokens <= budget:
        tokens += pieces[end].tokens
        end += 1
    return first, end


def _overlap_start(pieces: list[_Piece], earliest: int, end: int, overlap: int) -> int:
    """The first of the last pieces before ``end`` that add up to at most ``overlap`` tokens."""
    first, tokens = end, 0
    while first > earliest and tokens + pieces[first - 1].tokens <= overlap:
        first -= 1
        tokens += pieces[first].tokens
    return first
