"""Reading the pairs that an annotating model writes: Python tuples, JSON lists, or objects, often not quite either."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

LONGEST = 100_000  # characters; bounds the cost of an answer without end

# A quote closes a string only before a separator or a bracket: models leave quotes inside a mention unescaped. The
# length is bounded, so that an answer of opening quotes alone is read in linear time.
_STRING = r"""(?P<{0}quote>["'])(?P<{0}>(?:[^\\"'\n]|\\.|(?!(?P={0}quote)\s*+[,:)\]}}])["']){{0,300}}+)(?P={0}quote)"""
_PAIR = re.compile(rf"[(\[]\s*+{_STRING.format('mention')}\s*+,\s*+{_STRING.format('type')}\s*+,?+\s*+[)\]]")
_OBJECT = re.compile(r"\{[^{}]*+\}")
_MENTION_KEYS = ("entity", "mention", "text", "name")
_TYPE_KEYS = ("type", "entity_type", "label", "category")
_EMPTY = re.compile(r"\[\s*\]")
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)  # a run, because two may be one surrogate pair
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """(mention, type) as written, in order. ``unparsable``: there is neither a pair nor an empty list."""

    pairs: tuple[tuple[str, str], ...]
    problem: Literal["unparsable", "truncated"] | None = None


def read_pairs(answer: str, *, truncated: bool = False) -> PairAnswer:
    """Read an answer; it never raises. ``truncated`` says that the token limit cut it: finished pairs are kept."""
    answer = answer[:LONGEST].rpartition("</think>")[2]
    pairs = [(_plain(found["mention"]), _plain(found["type"])) for found in _PAIR.finditer(answer)]
    pairs = pairs or [pair for found in _OBJECT.finditer(answer) if (pair := _read_object(found[0]))]
    if truncated:
        return PairAnswer(tuple(pairs), "truncated")
    return PairAnswer(tuple(pairs), None if pairs or _EMPTY.search(answer) else "unparsable")


def _read_object(written: str) -> tuple[str, str] | None:
    """``{"entity": …, "type": …}``, or the pair of ``{"mention": "type"}``."""
    try:
        record = json.loads(written)
    except (ValueError, RecursionError):
        return None
    mention = next((record[key] for key in _MENTION_KEYS if isinstance(record.get(key), str)), None)
    kind = next((record[key] for key in _TYPE_KEYS if isinstance(record.get(key), str)), None)
    if mention is None and kind is None and len(record) == 1:
        mention, kind = next(iter(record.items()))
    return (mention, kind) if isinstance(mention, str) and isinstance(kind, str) else None


def _plain(content: str) -> str:
    return _ESCAPE.sub(_unescape, content) if "\\" in content else content


def _unescape(found: re.Match[str]) -> str:
    escape = found[0]
    if len(escape) > 2:
        return str(json.loads(f'"{escape}"'))
    return _ESCAPED.get(escape[1], escape[1])
