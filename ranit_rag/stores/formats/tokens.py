"""Between token labels and spans: joining tokens to a text, and cutting a text into tokens at its entities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import regex

from ranit_rag.errors import DataError
from ranit_rag.stores.formats.reading import Defaults, build_example, spans
from ranit_rag.text.language import detect_language
from ranit_rag.types import Entity, Example

_TAG = regex.compile(r"([BIESLUMW])[-_](.+)", regex.DOTALL)
_OUTSIDE = ("O", "o", "_", "")
_BEGINS = "BSUW"  # B of all schemes, S of BIOES and BMES, U of BILOU
_ENDS = "ESLUW"
_TOKEN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}\p{N}]+(?:['’]\p{L}+)*|[^\s\p{L}\p{M}\p{N}]")


def joiner_for(tokens: Iterable[str]) -> str:
    """What stands between the tokens of a file: nothing in Chinese, a blank otherwise."""
    return "" if detect_language(" ".join(tokens)) == "zh" else " "


def example_of_tokens(tokens: Sequence[str], tags: Sequence[str], joiner: str, defaults: Defaults) -> Example:
    """The example that token labels in BIO, BIOES, BILOU, BMES or IO say. Raises DataError for an empty token.

    As in conlleval, an inside label that continues nothing begins an entity. A label without a prefix is IO.
    """
    if not all(tokens):
        raise DataError(f"token {tokens.index('') + 1} is empty", hint="a blank as a token needs another separator")
    starts, position = [], 0
    for token in tokens:
        starts.append(position)
        position += len(token) + len(joiner)
    found: list[tuple[int, int, str]] = []
    open_label: str | None = None  # of the entity that the next token may continue
    for start, token, tag in zip(starts, tokens, tags, strict=True):
        end = start + len(token)
        if tag in _OUTSIDE:
            open_label = None
            continue
        match = _TAG.fullmatch(tag)
        prefix, label = (match[1], match[2]) if match else ("I", tag)
        if label == open_label and prefix not in _BEGINS:
            found[-1] = (found[-1][0], end, label)
        else:
            found.append((start, end, label))
        open_label = None if prefix in _ENDS else label
    return build_example(joiner.join(tokens), spans(found), defaults)


def is_tag(value: str) -> bool:
    """Whether this is O or a label with a prefix."""
    return value == "O" or _TAG.fullmatch(value) is not None


def cut_tokens(text: str, entities: Iterable[Entity]) -> list[tuple[int, int]]:
    """The tokens ``(start, end)`` of a text: words, single ideographs, punctuation; none crosses an entity's border."""
    borders = {border for entity in entities for border in (entity.start, entity.end)}
    tokens = []
    for match in _TOKEN.finditer(text):
        start = match.start()
        for border in sorted(b for b in borders if match.start() < b < match.end()):
            tokens.append((start, border))
            start = border
        tokens.append((start, match.end()))
    return tokens


def without_overlaps(entities: Iterable[Entity]) -> list[Entity]:
    """The entities in order, the longest of those that overlap."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda e: (e.start - e.end, e.start)):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
    return sorted(kept, key=lambda e: e.start)
