"""``ranit store import``: the examples of a file, checked as a whole before the first is written."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.cli.terminal import printable
from ranit_rag.errors import DataError, InputError

if TYPE_CHECKING:
    from ranit_rag.stores.formats import ColumnLayout
    from ranit_rag.stores.imports import ImportReport, LineProblem

FORMAT_HELP = "jsonl, conll, sharegpt, huggingface, label-studio or spacy. Default: told from the name and content."
TOLD = 20  # problems on standard error; the report has them all


@click.command("import", short_help="Import the examples of a file.")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option("--format", "form", default="auto", metavar="FORMAT", help=FORMAT_HELP)
@click.option("--columns", metavar="TOKEN,TAG", help="The columns of a CoNLL file, from 0, or from the end: -1.")
@click.option("--language", default="", help="en or zh. Default: told from each text.")
@click.option("--skip-broken", is_flag=True, help="Import the sound records of a file that has broken ones.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="A file for all problems, as JSON lines."
)
@click.option("--embedder", help="The embedding model of a new store. Default: what suits the language.")
@place_options
def import_file(
    name: str,
    file: Path,
    form: str,
    columns: str | None,
    language: str,
    skip_broken: bool,
    report: Path | None,
    embedder: str | None,
    **place: Any,
) -> None:
    """Import the examples of FILE (- for standard input) into the store NAME, which is made if need be.

    Nothing is written unless every record is sound, or --skip-broken is given. Importing a file again changes nothing,
    and completes an import that was cut off.
    """
    if report is not None and report.exists() and file.exists() and report.samefile(file):
        raise click.UsageError(f"--report {report} is the file to import")
    layout = _layout(columns)
    with ExitStack() as stack:
        path = stack.enter_context(_spooled(file))
        problems = Problems(file, stack.enter_context(_opened(report)) if report else None)
        stores = stack.enter_context(open_place(**place))
        from ranit_rag.cli.store.destination import bar_is_shown, tell_added, tell_made
        from ranit_rag.progress import progress_bar
        from ranit_rag.retrieval.filling import Destination
        from ranit_rag.stores.imports import import_examples

        destination = Destination(stores, name, embedder, on_made=tell_made)
        bar = stack.enter_context(progress_bar("examples", shown=bar_is_shown()))
        try:
            result = import_examples(
                destination,
                path,
                form,  # type: ignore[arg-type]  # an unknown one is an InputError that names the known
                language=language,
                layout=layout,
                skip_broken=skip_broken,
                on_problem=problems.tell,
                on_checked=bar.expect,
                on_progress=bar.show,
            )
        except KeyboardInterrupt:
            click.echo("the import is not complete: run it again to complete it", err=True)
            raise
    _conclude(file, result, problems)
    if result.added is not None:
        tell_added(destination.name, result.added)


class Problems:
    """Tells the first broken records line by line on standard error, and all problems to the report."""

    def __init__(self, file: Path, report: IO[str] | None) -> None:
        self._file = file
        self._report = report
        self._broken = 0

    def tell(self, problem: LineProblem) -> None:
        if self._report is not None:
            fields = {"line": problem.line, "kind": problem.kind, "reason": problem.reason, "hint": problem.hint}
            self._report.write(json.dumps(fields) + "\n")
        if problem.kind != "broken":
            return
        self._broken += 1
        if self._broken <= TOLD:
            hint = f" ({problem.hint})" if problem.hint else ""
            click.echo(printable(f"{self._file}:{problem.line}: {problem.reason}{hint}", lines=False), err=True)

    @property
    def untold(self) -> int:
        return max(self._broken - TOLD, 0)


def _conclude(file: Path, result: ImportReport, problems: Problems) -> None:
    """Say how many records were broken; an error where that kept all of them out."""
    if problems.untold:
        click.echo(f"… and {problems.untold} more; --report FILE lists them all", err=True)
    if result.added is None:
        raise DataError(
            f"{result.broken} of {result.read + result.broken} records of {file} are broken: nothing was written",
            hint="mend them, or import the others with --skip-broken",
        )
    if result.broken:
        click.echo(f"{result.broken} broken records were passed over", err=True)
    if not result.read:
        raise DataError(f"{file} holds no examples", hint=f"name its format: --format {FORMAT_HELP.split('.')[0]}")


def _layout(columns: str | None) -> ColumnLayout | None:
    if columns is None:
        return None
    match = re.fullmatch(r"\s*(-?\d+)\s*,\s*(-?\d+)\s*", columns)
    if match is None:
        raise InputError(f"--columns {columns!r} are not two numbers", hint="write --columns 0,-1")
    from ranit_rag.stores.formats import ColumnLayout

    return ColumnLayout(token=int(match[1]), tag=int(match[2]))


@contextmanager
def _spooled(file: Path) -> Iterator[Path]:
    """The file itself, or a copy of standard input, which can be read but once."""
    if str(file) != "-":
        yield file
        return
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", hint="check the path of --report") from error
