"""``ranit extract``: texts in, entities out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.corpus import corpus_options, extract_to_folder, take_corpus_options
from ranit_rag.cli.dry_run import show_prompts
from ranit_rag.cli.errors import tell_error
from ranit_rag.cli.explain import explained
from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option, decoding_options, engine_options, parse_types, retrieval_options
from ranit_rag.cli.outputs import OutputFormat, Writer, open_writer
from ranit_rag.cli.sources import InputFormat, open_source
from ranit_rag.cli.terminal import printable
from ranit_rag.corpus.records import read_examples
from ranit_rag.corpus.rows import Row, extract_rows
from ranit_rag.results import Failure

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SUFFIXES: dict[str, OutputFormat] = {".json": "json", ".jsonl": "jsonl", ".html": "html", ".htm": "html"}


@click.command(context_settings={"max_content_width": 100})
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option(
    "-t",
    "--type",
    "types",
    multiple=True,
    metavar="NAME[=DEFINITION]",
    help="A type to find. Repeatable; names without definitions may share one: -t drug,disease.",
)
@click.option("-f", "--file", "files", multiple=True, type=_FILE, help="A file to read. Repeatable.")
@click.option(
    "--input-format",
    type=click.Choice(["auto", "text", "lines", "jsonl", "csv", "parquet"]),
    default="auto",
    help="What files and standard input hold: one text, a text on each line, JSON lines, or a table. "
    "By itself RANIT goes by the names of files, and by the first line of standard input.",
)
@click.option("--examples", type=_FILE, help="A JSONL file of annotated examples to show to the model.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["json", "jsonl", "table", "html"]),
    help="Default: what --output is called, table on a terminal, else jsonl.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file to write, or for --input a folder. Default: standard output.",
)
@corpus_options
@retrieval_options
@decoding_options
@engine_options
@click.option("--explain", is_flag=True, help="Tell on standard error why which examples were shown.")
@click.option("--dry-run", is_flag=True, help="Show every prompt and decision, and ask no model.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bars, no warnings.")
@debug_option
def extract(
    texts: tuple[str, ...],
    types: tuple[str, ...],
    files: tuple[Path, ...],
    input_format: InputFormat,
    examples: Path | None,
    output_format: OutputFormat | None,
    output: Path | None,
    text_column: str | None,
    explain: bool,
    dry_run: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Find entities in TEXT, in files, in standard input (-, or when it is piped), or in a corpus (--input).

    A JSON line is an object with a "text", and with "id", "types", "examples" or "language" of its own; its other
    fields come back under "meta". Offsets count characters (Unicode code points).

    \b
    ranit extract "Aspirin eased her migraine." -t drug -t "disease=an illness or symptom"
    ranit extract --file report.txt -t 人名,地名 -o report.html
    cat notes.jsonl | ranit extract -t person | jq -c .entities
    ranit extract --input 'notes/**/*.csv' --text-column body --output found -t person
    """
    corpus = take_corpus_options(settings)
    wanted = parse_types(types)
    if corpus["inputs"]:
        if texts or files or output is None or output_format is not None or explain or dry_run:
            raise click.UsageError("--input goes with --output FOLDER, without TEXT, --file, --format and a dry run")
        shown = read_examples(examples) if examples else ()
        set_up_logs(quiet=quiet)
        extract_to_folder(
            settings,
            output,
            wanted,
            shown,
            input_format=input_format,
            text_column=text_column or "text",
            quiet=quiet,
            **corpus,
        )
        return
    if output is not None and output.is_dir():
        raise click.UsageError(f"--output {output} is a folder: give a file, or a corpus to read with --input")
    if output is not None and output.exists() and any(output.samefile(path) for path in files):
        raise click.UsageError(f"--output {output} is one of the files to read")
    if dry_run and (output is not None or output_format not in (None, "jsonl")):
        raise click.UsageError("--dry-run writes text or, with --format jsonl, JSON lines to standard output")
    if dry_run and explain:
        raise click.UsageError("--dry-run explains every decision by itself: leave out --explain")
    source = open_source(texts, files, input_format, sys.stdin.buffer, text_column=text_column or "text")
    shown = read_examples(examples) if examples else ()

    set_up_logs(quiet=quiet)
    ner = _open_ranit(settings)
    if dry_run:
        show_prompts(ner, source.records, wanted, shown, as_json=output_format == "jsonl")
        return
    form = output_format or _default_format(output)
    progress = not quiet and sys.stderr.isatty() and (output is not None or source.single or not sys.stdout.isatty())
    rows = extract_rows(ner, source.records, wanted, shown, progress=progress)
    if source.single:
        rows = iter([_succeeded(next(rows))])
    with open_writer(form, output, single=source.single) as writer:
        failed, total = _write_all(rows, writer, explain=explain)
    if failed:
        click.echo(f"{failed} of {total} records failed", err=True)
        raise click.exceptions.Exit(1)


def _open_ranit(settings: Mapping[str, Any]) -> Ranit:
    from ranit_rag.cli.loading import open_ranit
    from ranit_rag.config import Settings

    return open_ranit(Settings.load(**settings))


def _succeeded(row: Row) -> Row:
    """The row of the only text; what kept it from succeeding is raised, before anything is written."""
    if isinstance(row.result, Failure):
        raise row.result.error
    return row


def _write_all(rows: Iterable[Row], writer: Writer, *, explain: bool) -> tuple[int, int]:
    """Write the rows as they come and tell the failures; how many failed, and how many there were."""
    failed = total = 0
    for row in rows:
        writer.write(row)
        total += 1
        if isinstance(row.result, Failure):
            failed += 1
            tell_error(row.result.error, about=row.record.origin)
        elif explain:
            click.echo("\n".join([printable(row.heading, lines=False), *explained(row.result.decisions), ""]), err=True)
    return failed, total


def _default_format(output: Path | None) -> OutputFormat:
    if output is not None:
        return _SUFFIXES.get(output.suffix.lower(), "jsonl")
    return "table" if sys.stdout.isatty() else "jsonl"
