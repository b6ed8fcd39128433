"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from ranit_rag.evaluation.report.document import Report
from ranit_rag.evaluation.report.tables import Table, details, overview


def report_markdown(report: Report) -> str:
    """The whole report: which models, then all tables."""
    models = ", ".join(f"{each.name} ({each.engine})" for each in report.models)
    stores = ", ".join(f"{each.name} ({each.examples:,})" for each in report.stores) or "none"
    head = [
        "# Evaluation",
        "",
        f"RANIT {report.ranit} · models: {models} · seed {report.seed} · stores: {stores}",
        "",
    ]
    return "\n".join([*head, tables_markdown([*overview(report), *details(report)])]) + "\n"


def tables_markdown(tables: Iterable[Table], level: int = 2) -> str:
    """Tables under headings."""
    return "\n\n".join(_section(table, level) for table in tables)


def _section(table: Table, level: int) -> str:
    lines = [f"{'#' * level} {table.title}", "", _line(table.head), "|---" + "|---:" * (len(table.head) - 1) + "|"]
    lines += [_line(row) for row in table.rows]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
