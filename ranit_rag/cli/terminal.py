"""Extractions on a terminal: highlighted text and tables, in which no text can write control codes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from ranit_rag.html import hues_of
from ranit_rag.results import Extraction
from ranit_rag.types import Entity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOURS = ("blue", "yellow", "green", "red", "magenta", "cyan")


def console(
    file: IO[str] | None = None, *, stderr: bool = False, plain: bool = False, width: int | None = None
) -> Console:
    """Standard output, standard error or ``file``, on which words are written as they are.

    Colours are for terminals. NO_COLOR takes them away there, FORCE_COLOR brings them to a pipe too; where the writing
    is ``plain``, as to a file that somebody named, nothing does. Bold and dim are not colours.
    """
    from rich.console import Console

    forced = False if plain else None
    return Console(
        file=file, stderr=stderr, highlight=False, markup=False, emoji=False, width=width, force_terminal=forced
    )


def printable(text: str, *, lines: bool = True) -> str:
    """``text`` with its control characters, bidirectional overrides and lone surrogates escaped.

    Newlines stay with ``lines``, and become blanks without.
    """
    escaped = _CONTROLS.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return escaped if lines else escaped.replace("\n", " ")


def highlighted(extraction: Extraction) -> Text:
    """The text with each entity in its type's colour and followed by the type."""
    from rich.text import Text

    colours = _colours(extraction)
    shown = Text()
    position = 0
    for entity in _outermost(extraction.entities):
        shown.append(printable(extraction.text[position : entity.start]))
        shown.append(printable(entity.text), style=f"bold {colours[entity.label]}")
        shown.append(f" {printable(entity.label)} ", style=f"reverse {colours[entity.label]}")
        position = entity.end
    shown.append(printable(extraction.text[position:]))
    return shown


def entity_table(extraction: Extraction) -> Table:
    """One row for each entity: text, type, offsets, score."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    colours = _colours(extraction)
    table = Table("Entity", "Type", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Offsets", justify="right", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    for entity in extraction.entities:
        table.add_row(
            Text(printable(entity.text, lines=False)),
            Text(printable(entity.label, lines=False), style=colours[entity.label]),
            f"{entity.start}:{entity.end}",
            "–" if entity.score is None else f"{entity.score:.2f}",
        )
    return table


def _outermost(entities: Iterable[Entity]) -> list[Entity]:
    """Entities that do not overlap: of those that do, the first and longest."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda e: (e.start, -e.end)):
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return kept


def _colours(extraction: Extraction) -> dict[str, str]:
    hues = hues_of((entity.label for entity in extraction.entities), len(_COLOURS))
    return {label: _COLOURS[hue] for label, hue in hues.items()}
