"""Where texts are read from, as the command line says it: arguments, files, standard input."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal

import click

from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.corpus.streams import Form, file_form, file_records, line_form, stream_records
from ranit_rag.errors import InputError

InputFormat = Literal["auto", "text", "lines", "jsonl", "csv", "parquet"]
_STDIN = "standard input"
_logger = logging.getLogger(__name__)
_SURROGATE_ESCAPED = re.compile("[\udc80-\udcff]")
_Part = tuple[Form, Iterable[Record | Unreadable]]


@dataclass(frozen=True, slots=True)
class Source:
    """The records to read, as they come; ``single`` where there is one text only, whose failure is that of the run."""

    records: Iterator[Record | Unreadable]
    single: bool


def open_source(
    texts: Sequence[str],
    files: Sequence[Path],
    input_format: InputFormat,
    stdin: BinaryIO,
    *,
    text_column: str = "text",
) -> Source:
    """Texts, with ``-`` for standard input, then files; standard input alone where neither is given.

    Reads the first line of standard input where its form is to be told from it. Raises UsageError where there is
    nothing to read, and InputError for a text that is blank and alone, or not UTF-8.
    """
    if not texts and not files:
        if stdin.isatty():
            raise click.UsageError("there is nothing to read: give a TEXT, a --file, or pipe something in")
        texts = ("-",)
    if texts.count("-") > 1:
        raise click.UsageError("standard input (-) can be read only once")
    if input_format != "auto" and not files and "-" not in texts:
        raise click.UsageError("--input-format is for files and standard input, not for TEXT")
    parts = [_standard_input(stdin, input_format) if text == "-" else _argument(text) for text in texts]
    parts += [_file(path, input_format, text_column) for path in files]
    records = chain.from_iterable(part for _, part in parts)
    if [form for form, _ in parts] == ["text"]:
        return Source(_not_blank(records), single=True)
    return Source(records, single=False)


def _argument(text: str) -> _Part:
    record = argument_record(text)
    return "text", _told_from_a_file(record)


def _told_from_a_file(record: Record) -> Iterator[Record]:
    """The record, when it is read; a warning where it was meant as the name of a file."""
    with suppress(OSError, ValueError):  # most texts can be no name
        if Path(record.text).is_file():
            _logger.warning("%s is read as a text: --file %s reads the file", record.text, record.text)
    yield record


def argument_record(text: str) -> Record:
    """The record of an argument of the command line. Raises InputError where it is not text."""
    if _SURROGATE_ESCAPED.search(text):
        raise InputError(
            f"the argument {text[:40]!r} is not UTF-8", hint="check the terminal's encoding, or use --file"
        )
    return Record(text)


def _file(path: Path, input_format: InputFormat, text_column: str) -> _Part:
    form = file_form(path) if input_format == "auto" else input_format
    return form, file_records(path, form, text_column=text_column)


def _standard_input(stdin: BinaryIO, input_format: InputFormat) -> _Part:
    if input_format in ("csv", "parquet"):
        raise click.UsageError(f"--input-format {input_format} is for files: give --file or --input")
    if input_format != "auto":
        return input_format, stream_records(stdin, input_format, _STDIN)
    first = stdin.readline()
    form = line_form(first)
    return form, stream_records(chain([first], stdin), form, _STDIN)


def _not_blank(records: Iterable[Record | Unreadable]) -> Iterator[Record | Unreadable]:
    for record in records:
        if isinstance(record, Record) and not record.text.strip():
            raise InputError("the text is empty", hint="give a text: an argument, --file PATH, or standard input")
        yield record
