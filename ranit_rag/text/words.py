"""Words as they are compared: without case, whole where blanks part them, else a character each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

from ranit_rag.text.letters import SPACED_LETTER

_DIGIT = regex.compile(r"\d")
WORD = regex.compile(rf"(?:{SPACED_LETTER.pattern})+|{_DIGIT.pattern}+|\S", regex.V1)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, and by the place where one begins or ends how many stand before it."""

    words: tuple[str, ...]
    begin: dict[int, int]
    end: dict[int, int]

    @classmethod
    def of(cls, text: str) -> Words:
        found = [(match.group(), *match.span()) for match in WORD.finditer(text)]
        return cls(
            tuple(word for word, *_ in found),
            {start: number for number, (_, start, _) in enumerate(found)},
            {end: number for number, (*_, end) in enumerate(found, 1)},
        )


def lowered(text: str) -> str:
    """The text in lower case, of the same length: letters that have no single lower-case letter stay."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def parted(text: str, place: int) -> bool:
    """Whether no word goes on over the place before a character of the text."""
    if place == 0 or place == len(text):
        return True
    before, after = _kind(text[place - 1]), _kind(text[place])
    return not (before and before == after)


@lru_cache(maxsize=1 << 14)
def _kind(character: str) -> str:
    """``letter`` or ``digit`` of words that blanks part; nothing else joins."""
    if _DIGIT.match(character):
        return "digit"
    return "letter" if SPACED_LETTER.match(character) else ""
