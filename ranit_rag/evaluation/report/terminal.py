"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ranit_rag.evaluation.report.tables import Table

if TYPE_CHECKING:
    from rich.console import Console


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Draw tables one under the other."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    for table in tables:
        drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for number, heading in enumerate(table.head):
            drawn.add_column(Text(heading), justify="right" if number else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(cell) for cell in row))
        console.print(Text(table.title, style="bold"))
        console.print(drawn)
        if table.note:
            console.print(Text(table.note, style="dim"))
        console.print()
