"""``ranit eval compare``: is one run better than another, or is it chance?"""

from __future__ import annotations

from pathlib import Path

import click

from ranit_rag.cli.eval.tables import print_tables
from ranit_rag.cli.options import debug_option
from ranit_rag.cli.store.tables import write_json


@click.command(short_help="Tell whether one run is better than another.")
@click.argument("first", metavar="REPORT", type=click.Path(exists=True, path_type=Path))
@click.argument("second", metavar="[REPORT]", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--arm",
    "arms",
    multiple=True,
    help="An arm to compare. Two of them: the second with the first. Default: every arm of both reports.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@debug_option
def compare(first: Path, second: Path | None, arms: tuple[str, ...], form: str) -> None:
    """Compare two reports on the same texts, or two arms of one: the difference in F1, its interval, and a p-value.

    A REPORT is a directory that `ranit eval run --output` wrote, or its report.json.

    \b
    ranit eval compare before after
    ranit eval compare out --arm none --arm judge
    """
    from ranit_rag.evaluation.comparison import compare_reports, comparison_table
    from ranit_rag.evaluation.report.document import read_report

    one = read_report(first)
    found = compare_reports(one, read_report(second) if second is not None else one, arms)
    if form == "json":
        write_json([each.to_dict() for each in found])
    else:
        print_tables([comparison_table(found)])
