"""Entities in their text, each in the colour of its type."""

from __future__ import annotations

import zlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from ranit_rag.html.parts import PALETTE, escape
from ranit_rag.types import Entity, Example

Hues = Mapping[str, int]

_LONG = 32  # characters, from which a label may break into lines


def hues_of(labels: Iterable[str], number: int = len(PALETTE)) -> dict[str, int]:
    """One of ``number`` hues for each label: the same in all texts where it is free, its own while they last."""
    hues: dict[str, int] = {}
    for label in dict.fromkeys(labels):
        wanted = zlib.crc32(label.casefold().encode("utf-8", "surrogatepass")) % number
        used = Counter(hues.values())
        hues[label] = min(((wanted + step) % number for step in range(number)), key=lambda hue: used[hue])
    return hues


def tag(name: str, hues: Hues) -> str:
    """The name of a type in its colour."""
    kind = "ranit-label ranit-long" if len(name) > _LONG else "ranit-label"
    return f'<span class="{kind} ranit-{hues[name]}">{escape(name)}</span>'


def marked(text: str, entities: Iterable[Entity], hues: Hues) -> str:
    """The text with nested marks. Where entities cross, the inner is cut at the outer's end and goes on after it."""
    waiting = deque(sorted(entities, key=lambda e: (e.start, -e.end, e.label)))
    opened: list[Entity] = []
    parts: list[str] = []
    position = 0
    for boundary in sorted({edge for entity in waiting for edge in (entity.start, entity.end)}):
        parts.append(escape(text[position:boundary]))
        position = boundary
        outermost = next((depth for depth, entity in enumerate(opened) if entity.end == boundary), len(opened))
        interrupted = opened[outermost:]
        parts += [_close(entity, boundary, hues) for entity in reversed(interrupted)]
        del opened[outermost:]
        coming = [entity for entity in interrupted if entity.end > boundary]
        while waiting and waiting[0].start == boundary:
            coming.append(waiting.popleft())
        for entity in coming:
            parts.append(_open(entity, boundary, opened, hues))
            opened.append(entity)
    parts.append(escape(text[position:]))
    return "".join(parts)


def annotated(example: Example) -> str:
    """The text of an example with its entities marked."""
    hues = hues_of(example.labels)
    return f'<div class="ranit-text" dir="auto">{marked(example.text, example.entities, hues)}</div>'


def _open(entity: Entity, position: int, outer: Sequence[Entity], hues: Hues) -> str:
    classes = [f"ranit-{hues[entity.label]}"]
    classes += ["ranit-from"] if position > entity.start else []
    classes += ["ranit-on"] if any(other.end < entity.end for other in outer) else []
    score = "" if entity.score is None else f" · score {entity.score:.2f}"
    tip = escape(f"{entity.label} · {entity.start}–{entity.end}{score}")
    return f'<mark class="{" ".join(classes)}" title="{tip}">'


def _close(entity: Entity, position: int, hues: Hues) -> str:
    return f"{tag(entity.label, hues) if position == entity.end else ''}</mark>"
