"""Tables of a report on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ranit_rag.cli.store.tables import wide_console
from ranit_rag.cli.terminal import printable

if TYPE_CHECKING:
    from ranit_rag.evaluation.report.tables import Table


def print_tables(tables: Iterable[Table]) -> None:
    """Draw tables one under the other on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Drawn
    from rich.text import Text

    out = wide_console()
    for table in tables:
        drawn = Drawn(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for number, heading in enumerate(table.head):
            drawn.add_column(printable(heading, lines=False), justify="right" if number else "left")
        for row in table.rows:
            drawn.add_row(*(Text(printable(cell, lines=False)) for cell in row))
        out.print(Text(printable(table.title, lines=False), style="bold"))
        out.print(drawn)
        if table.note:
            out.print(Text(table.note, style="dim"))
        out.print()
