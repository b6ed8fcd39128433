"""Annotated texts as pieces, so that words can be changed while the offsets of entities stay right."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ranit_rag.types import Entity, Example


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; ``labels`` are those of the entity that it is, of which there may be several, or none."""

    text: str
    labels: tuple[str, ...] = ()


def pieces_of(record: Example) -> list[Piece] | None:
    """The text cut at its entities; None where entities overlap without being the same span."""
    pieces: list[Piece] = []
    end = 0
    spans: dict[tuple[int, int], list[str]] = {}
    for entity in record.entities:
        spans.setdefault((entity.start, entity.end), []).append(entity.label)
    for (start, stop), labels in sorted(spans.items()):
        if start < end:
            return None
        if start > end:
            pieces.append(Piece(record.text[end:start]))
        pieces.append(Piece(record.text[start:stop], tuple(labels)))
        end = stop
    if end < len(record.text):
        pieces.append(Piece(record.text[end:]))
    return pieces


def record_of(pieces: Iterable[Piece], like: Example) -> Example:
    """The text that the pieces make, with what else is known of ``like``."""
    text, entities = "", []
    for piece in pieces:
        entities += [Entity(piece.text, label, len(text), len(text) + len(piece.text)) for label in piece.labels]
        text += piece.text
    return Example(text, tuple(entities), like.domain, like.language, id=like.id)


def joined(records: Sequence[Example]) -> Example:
    """One text of several, a blank or, in Chinese, nothing between them."""
    first = records[0]
    gap = "" if first.language == "zh" else " "
    text, entities = "", []
    for record in records:
        text += gap if text else ""
        entities += [replace(e, start=e.start + len(text), end=e.end + len(text)) for e in record.entities]
        text += record.text
    return Example(text, tuple(entities), first.domain, first.language, id=first.id)


def relabelled(record: Example, names: Mapping[str, str]) -> Example:
    """With the types that ``names`` has, under their new names, and no others."""
    entities = [replace(e, label=names[e.label]) for e in record.entities if e.label in names]
    return Example(record.text, tuple(dict.fromkeys(entities)), record.domain, record.language, id=record.id)


def with_union(record: Example, labels: Collection[str], name: str) -> Example:
    """With each span of one of ``labels`` as an entity of the type ``name`` besides."""
    wide = [replace(e, label=name) for e in record.entities if e.label in labels]
    entities = sorted(dict.fromkeys((*record.entities, *wide)), key=lambda e: (e.start, -e.end))
    return replace(record, entities=tuple(entities))


def lowered(record: Example) -> Example:
    """In lower case, unless that changes the length of the text."""
    text = record.text.lower()
    if len(text) != len(record.text):
        return record
    entities = tuple(replace(e, text=text[e.start : e.end]) for e in record.entities)
    return Example(text, entities, record.domain, record.language, id=record.id)


def with_typos(record: Example, rng: random.Random) -> Example:
    """With two neighbouring letters exchanged, or one left out, in a word of twenty."""
    return _rewritten(record, lambda piece: replace(piece, text=_mistyped(piece.text, rng)))


def estranged(records: Sequence[Example], words: Mapping[str, Sequence[str]], rng: random.Random) -> list[Example]:
    """With one of a type's ``words`` in place of each of its mentions, the same ones in all of the records."""

    def strange(piece: Piece) -> Piece:
        known = [label for label in piece.labels if label in words]
        return Piece(rng.choice(words[known[0]]), piece.labels) if known else piece

    return [_rewritten(record, strange) for record in records]


def swapped(record: Example, mentions: Mapping[tuple[str, ...], Sequence[str]], rng: random.Random) -> Example:
    """With one of the ``mentions`` of the same types in place of each of its own, the same one wherever it stands."""
    chosen: dict[Piece, str] = {}

    def swap(piece: Piece) -> Piece:
        if not mentions.get(piece.labels):
            return piece
        return replace(piece, text=chosen.setdefault(piece, rng.choice(mentions[piece.labels])))

    return _rewritten(record, swap)


def mentions_of(records: Iterable[Example]) -> dict[tuple[str, ...], list[str]]:
    """What is annotated in the records, once each, by its types: those of one and the same place."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for record in records:
        for piece in pieces_of(record) or ():
            if piece.labels:
                found.setdefault(piece.labels, {})[piece.text] = None
    return {labels: list(texts) for labels, texts in found.items()}


def _rewritten(record: Example, change: Callable[[Piece], Piece]) -> Example:
    pieces = pieces_of(record)
    return record if pieces is None else record_of(map(change, pieces), record)


def _mistyped(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and word.isalpha() and rng.random() < 0.05:
            at = rng.randrange(len(word) - 1)
            swap = word[at + 1] + word[at] if rng.random() < 0.5 else word[at]
            words[place] = word[:at] + swap + word[at + 2 :]
    return " ".join(words)
