"""A report on standard output in one form, and in a directory in all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from ranit_rag.cli.eval.tables import print_tables
from ranit_rag.cli.store.tables import write_json
from ranit_rag.errors import InputError

if TYPE_CHECKING:
    from ranit_rag.evaluation.report.document import Report

Command = TypeVar("Command", bound=Callable[..., Any])
ReportFormat = Literal["table", "json", "markdown", "html"]

REPORT, TEXTS, MARKDOWN, PAGE = "report.json", "texts.jsonl", "report.md", "report.html"

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown", "html"]),
    default="table",
    help="What is written to standard output. Default: table.",
)


def write_report(report: Report, form: ReportFormat, texts: Path | None) -> None:
    """Write the report to standard output; ``texts`` is the file of rows, for the page."""
    if form == "json":
        write_json(report.to_dict())
    elif form == "table":
        from ranit_rag.evaluation.report.tables import consequences, overview, seconds_table

        print_tables([*overview(report), *consequences(report), seconds_table(report)])
    else:
        written = _page(report, texts) if form == "html" else _markdown(report)
        sys.stdout.buffer.write(written.encode())
        sys.stdout.buffer.flush()


def write_directory(report: Report, directory: Path) -> None:
    """Write all forms of the report beside the rows that are there already."""
    try:
        content = json.dumps(report.to_dict(), ensure_ascii=True, indent=1, allow_nan=False)
        (directory / REPORT).write_text(content + "\n", "utf-8")
        (directory / MARKDOWN).write_text(_markdown(report), "utf-8")
        (directory / PAGE).write_text(_page(report, directory / TEXTS), "utf-8")
    except OSError as error:
        raise unwritable(directory, error) from error


def unwritable(path: Path, error: OSError) -> InputError:
    """What to say of an output that cannot be written."""
    return InputError(f"{path} cannot be written: {error.strerror}", hint="check the path of --output")


def _markdown(report: Report) -> str:
    from ranit_rag.evaluation.report.markdown import report_markdown

    return report_markdown(report)


def _page(report: Report, texts: Path | None) -> str:
    from ranit_rag.evaluation.report.page import report_page

    return report_page(report, _rows(texts))


def _rows(texts: Path | None) -> Iterator[dict[str, Any]]:
    if texts is not None and texts.is_file():
        with texts.open(encoding="utf-8") as stream:
            yield from map(json.loads, stream)
