"""Stores and examples as a person reads them, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ranit_rag.cli.terminal import console, highlighted, printable
from ranit_rag.corpus.rows import to_json
from ranit_rag.results import Extraction
from ranit_rag.types import Example

if TYPE_CHECKING:
    from rich.console import Console

    from ranit_rag.stores.base import StoreStats

LISTED_TYPES = 4
_PIPE_WIDTH = 160

format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table."
)


def write_json(value: object) -> None:
    """Write a JSON document to standard output."""
    sys.stdout.buffer.write(to_json(value, indent=2) + b"\n")
    sys.stdout.buffer.flush()


def wide_console() -> Console:
    """Standard output, as wide as its terminal, wider on a pipe."""
    return console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def print_stores(stores: Iterable[StoreStats], unusable: Mapping[str, str]) -> None:
    """A table with a row for each store."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table("Store", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Examples", justify="right")
    table.add_column("Mentions", justify="right")
    for heading in ("Languages", "Types", "Embedding", "Changed", ""):
        table.add_column(heading)
    for each in stores:
        table.add_row(
            _line(each.domain),
            str(each.examples),
            str(each.mentions),
            _line(", ".join(each.languages)),
            _line(_first_types(list(each.types))),
            _line(each.embedding.name),
            changed_at(each.version),
            Text("UNFINISHED", style="bold red") if each.unfinished else "",
        )
    for name in unusable:
        table.add_row(_line(name), "", "", "", "", "", "", Text("UNUSABLE", style="bold red"))
    wide_console().print(table)


def print_stats(stats: StoreStats) -> None:
    """What is in a store: a heading and the number of mentions of each type."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = wide_console()
    out.print(_line(stats.domain), style="bold")
    out.print(f"examples: {stats.examples}, mentions: {stats.mentions}, changed {changed_at(stats.version)}")
    out.print("languages: " + _line(", ".join(f"{name or '?'} {n}" for name, n in stats.languages.items())))
    out.print(_line(f"embedding: {stats.embedding.name}, {stats.embedding.dimension} dimensions"))
    for key, value in stats.notes.items():
        out.print(_line(f"{key}: {to_json(value).decode()}"))
    if stats.unfinished:
        out.print(_line(f"UNFINISHED: {stats.unfinished}"), style="bold red")
    table = Table("Type", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Mentions", justify="right")
    for name, mentions in stats.types.items():
        table.add_row(_line(name), str(mentions))
    if stats.types:
        out.print(table)


def print_example(example: Example, out: Console) -> None:
    """An example's text with its entities highlighted, under its id."""
    about = " · ".join(part for part in (example.id, example.language, example.source) if part)
    out.print(_line(about), style="dim", soft_wrap=True)
    out.print(highlighted(Extraction(example.text, example.language, example.entities)), soft_wrap=True)
    out.print()


def changed_at(version: int) -> str:
    """When a version was made, which is the microsecond that it counts."""
    return datetime.fromtimestamp(version / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def _first_types(types: Sequence[str]) -> str:
    more = len(types) - LISTED_TYPES
    return ", ".join(types[:LISTED_TYPES]) + (f" and {more} more" if more > 0 else "")


def _line(text: str) -> str:
    return printable(text, lines=False)
