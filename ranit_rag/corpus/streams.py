"""Records from files and streams, as they come: texts, a text on each line, JSON lines, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

from ranit_rag.corpus.records import Record, Unreadable, holds_text, json_record, plain_record
from ranit_rag.corpus.tables import csv_records, parquet_records
from ranit_rag.errors import DataError

Form = Literal["text", "lines", "jsonl", "csv", "parquet"]

SUFFIXES: dict[str, Form] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
}


def file_form(path: Path) -> Form:
    """What a file's name says: one text where it says nothing."""
    return SUFFIXES.get(path.suffix.lower(), "text")


def line_form(line: bytes) -> Form:
    """What the first line of a stream says: JSONL where it is an object with a text, else one text."""
    return "jsonl" if holds_text(line) else "text"


def file_records(
    path: Path, form: Form, *, text_column: str = "text", on_position: Callable[[int], None] = lambda _: None
) -> Iterator[Record | Unreadable]:
    """The records of a file; each knows the file by its path. What cannot be read is an Unreadable, never raised.

    Memory holds one record, of a Parquet file one batch of rows. ``on_position`` hears with each record how many bytes
    are read by then.
    """
    try:
        if form == "parquet":
            yield from parquet_records(path, text_column, on_position)
            return
        with path.open("rb") as stream:
            name = str(path)
            tabs = path.suffix.lower() == ".tsv"
            rows = csv_records(stream, name, text_column, tabs=tabs) if form == "csv" else None
            for record in rows or stream_records(stream, form, name, name=name):
                on_position(stream.tell())
                yield record
    except OSError as error:
        hint = "check the path and its permissions"
        yield Unreadable("", str(path), DataError(f"{path} cannot be read: {error.strerror or error}", hint=hint))
    except DataError as error:
        yield Unreadable("", str(path), error)


def stream_records(stream: Iterable[bytes], form: Form, origin: str, name: str = "") -> Iterator[Record | Unreadable]:
    """The records of the lines of ``stream``, as they come. A ``name`` becomes the id of plain texts.

    Raises DataError for a form that cannot be read line by line.
    """
    if form in ("csv", "parquet"):
        raise DataError(f"{origin} cannot be read as {form}", hint=f"{form} is read from files")
    if form == "text":
        yield plain_record(b"".join(stream), origin, name)
        return
    for number, line in enumerate(stream, 1):
        if line.strip():
            content = line.rstrip(b"\r\n")
            place = f"{origin}:{number}"
            yield json_record(content, place) if form == "jsonl" else plain_record(content, place, name and place)
