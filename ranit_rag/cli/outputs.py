"""What is written: results as JSON lines, a JSON document, tables, or an HTML page."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Literal, Protocol

from ranit_rag.cli.terminal import console, entity_table, printable
from ranit_rag.corpus.rows import Row, to_json
from ranit_rag.errors import InputError
from ranit_rag.results import Extraction, Failure

OutputFormat = Literal["json", "jsonl", "table", "html"]


class Writer(Protocol):
    """Takes rows as they are ready; what was written is whole after ``close``, however many rows came."""

    def write(self, row: Row) -> None: ...

    def close(self) -> None: ...


@contextmanager
def open_writer(form: OutputFormat, path: Path | None, *, single: bool) -> Iterator[Writer]:
    """A writer to the file at ``path``, or to standard output. ``single``: one text only, so JSON is not an array."""
    if path is None:
        with closing(_writer(form, sys.stdout.buffer, single)) as writer:
            yield writer
        return
    try:
        stream = path.open("wb")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", hint="check the path of --output") from error
    with stream, closing(_writer(form, stream, single)) as writer:
        yield writer


def _writer(form: OutputFormat, stream: IO[bytes], single: bool) -> Writer:
    match form:
        case "json":
            return JsonWriter(stream, single=single)
        case "jsonl":
            return JsonLinesWriter(stream)
        case "html":
            return HtmlWriter(stream)
        case "table":
            return TableWriter(stream)


class JsonLinesWriter:
    """One line for each row, flushed at once."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        self._stream.write(to_json(row.to_dict()) + b"\n")
        self._stream.flush()

    def close(self) -> None:
        pass


class JsonWriter:
    """An object for a single text, else an array, which ``close`` completes."""

    def __init__(self, stream: IO[bytes], *, single: bool) -> None:
        self._stream = stream
        self._single = single
        self._rows = 0

    def write(self, row: Row) -> None:
        lead = b"" if self._single else b",\n" if self._rows else b"[\n"
        self._stream.write(lead + to_json(row.to_dict(), indent=2))
        self._rows += 1

    def close(self) -> None:
        tail = b"\n" if self._single else b"\n]\n" if self._rows else b"[]\n"
        self._stream.write(tail)


class TableWriter:
    """A heading, the entities and the decision of each row, for people to read."""

    def __init__(self, stream: IO[bytes]) -> None:
        # A terminal may speak another encoding than UTF-8; a file never does.
        encoding = sys.stdout.encoding if stream.isatty() else "utf-8"
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", write_through=True)
        self._console = console(self._text, plain=stream is not sys.stdout.buffer)

    def write(self, row: Row) -> None:
        self._console.print(printable(row.heading, lines=False), style="bold")
        if isinstance(row.result, Failure):
            self._console.print(f"failed: {printable(str(row.result.error), lines=False)}\n", style="red")
            return
        if row.result.entities:
            self._console.print(entity_table(row.result))
        else:
            self._console.print("no entities")
        self._console.print(f"{printable(summary(row.result), lines=False)}\n", style="dim")

    def close(self) -> None:
        self._text.detach()


class HtmlWriter:
    """One page, written by ``close``."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        self._rows.append(row)

    def close(self) -> None:
        from ranit_rag.html import page

        headings = [row.heading for row in self._rows]
        self._stream.write(page([row.result for row in self._rows], headings=headings).encode())


def summary(extraction: Extraction) -> str:
    """One line on how the entities came about: the decision, what was dropped, the time."""
    parts = [f"{extraction.decision.route}: {extraction.decision.reason}"]
    if len(extraction.decisions) > 1:
        parts.append(f"{len(extraction.decisions)} windows")
    if extraction.dropped:
        parts.append(f"{len(extraction.dropped)} dropped")
    parts.append(f"{sum(extraction.usage.seconds.values()):.2f} s")
    return " · ".join(parts)
