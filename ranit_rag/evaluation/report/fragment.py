"""Reports and their tables as HTML fragments, for notebooks."""

from __future__ import annotations

from ranit_rag.evaluation.report.charts import f1_by_arm
from ranit_rag.evaluation.report.document import Report
from ranit_rag.evaluation.report.tables import Table, consequences, overview
from ranit_rag.html import escape, styled, table


def report_fragment(report: Report) -> str:
    """The summary as a plot and a table; what it led to folded below."""
    first, *others = overview(report)
    folded = [
        f"<details><summary>{escape(each.title)}</summary>{drawn(each)}</details>"
        for each in (*others, *consequences(report))
    ]
    plot = f'<div class="ranit-plot">{f1_by_arm(report, "").to_svg()}</div>'
    return styled("\n".join(['<article class="ranit">', _headed(first), plot, *folded, "</article>"]))


def table_fragment(shown: Table) -> str:
    """A table under its title."""
    return styled(f'<article class="ranit">{_headed(shown)}</article>')


def drawn(shown: Table) -> str:
    """A table and its note, without a title and a style."""
    rows = [[escape(cell) for cell in row] for row in shown.rows]
    note = f'<p class="ranit-note">{escape(shown.note)}</p>' if shown.note else ""
    return table([escape(cell) for cell in shown.head], rows, numbers=len(shown.head) - 1) + note


def _headed(shown: Table) -> str:
    return f'<p class="ranit-verdict"><strong>{escape(shown.title)}</strong></p>{drawn(shown)}'
