"""``ranit eval report``: a report in another form."""

from __future__ import annotations

from pathlib import Path

import click

from ranit_rag.cli.eval.writing import TEXTS, ReportFormat, format_option, write_report
from ranit_rag.cli.options import debug_option


@click.command(short_help="Show a report, in the form that you want.")
@click.argument("path", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))
@format_option
@debug_option
def report(path: Path, form: ReportFormat) -> None:
    """Show the report that `ranit eval run --output DIR` wrote, or its report.json.

    With --format html a page with tables, plots and a browser of the errors comes out; it needs texts.jsonl beside the
    report.
    """
    from ranit_rag.evaluation.report.document import read_report

    directory = path if path.is_dir() else path.parent
    write_report(read_report(path), form, directory / TEXTS)
