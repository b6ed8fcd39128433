"""Records from tables: a row is a record, one of its columns the text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ranit_rag.corpus.records import Record, Unreadable, located, record_of
from ranit_rag.errors import DataError
from ranit_rag.extras import require

_LONGEST_CELL = 1 << 28  # characters; a quote that is never closed must not take all memory
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_ROWS_AT_ONCE = 64


def csv_records(stream: IO[bytes], origin: str, text_column: str, *, tabs: bool) -> Iterator[Record | Unreadable]:
    """A record for each row below the header. Empty cells count as absent; a cell of types parts them by commas.

    Raises DataError where the header has no ``text_column``.
    """
    # Undecodable bytes become surrogates, which valid UTF-8 never holds: so only the row that has them is lost.
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    if csv.field_size_limit() < _LONGEST_CELL:
        csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines, delimiter="\t" if tabs else ",")
    try:
        header = _next_row(reader, origin)
        if header is None:
            return
        _check_column(text_column, header, origin)
        while True:
            place = f"{origin}:{reader.line_num + 1}"
            try:
                row = _next_row(reader, place)
            except DataError as error:
                yield Unreadable("", place, error)
                continue
            if row is None:
                return
            if row:
                yield _from_cells(header, row, place, text_column)
    finally:
        lines.detach()


def parquet_records(
    path: Path, text_column: str, on_position: Callable[[int], None] = lambda _: None
) -> Iterator[Record | Unreadable]:
    """A record for each row. Raises DataError for a file that is no Parquet, or has no ``text_column``."""
    parquet = require("pyarrow.parquet", extra="parquet")
    number, size = 0, path.stat().st_size
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            _check_column(text_column, file.schema_arrow.names, str(path))
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for values in batch.to_pylist():
                    number += 1
                    on_position(size * number // file.metadata.num_rows)
                    yield _from_values(values, f"{path}:{number}", text_column)
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are these
        after = f" after row {number}" if number else ""
        raise DataError(
            f"{path} cannot be read as Parquet{after}: {error}", hint="write it again, or give another --input-format"
        ) from error


def _next_row(reader: Any, place: str) -> list[str] | None:
    """The next row, or None at the end; a DataError where it is no CSV."""
    try:
        row: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise DataError(f"{place}: not CSV: {error}", hint="is a quote left open?") from error
    return row


def _check_column(text_column: str, names: list[str], origin: str) -> None:
    if text_column not in names:
        raise DataError(
            f"{origin} has no column {text_column!r}",
            hint=f"name the text's with --text-column: {', '.join(map(repr, names[:20]))}",
        )


def _from_cells(header: list[str], row: list[str], place: str, text_column: str) -> Record | Unreadable:
    shown = ", ".join(row)
    if any(map(_NOT_UTF8.search, row)):
        error = DataError(f"{place}: not UTF-8", hint="convert it first, for example: iconv -f gb18030 -t utf-8")
        return Unreadable(shown.encode("utf-8", "replace").decode(), place, error)
    if len(row) > len(header):
        error = DataError(
            f"{place}: {len(row)} cells under {len(header)} columns", hint="a cell that holds commas stands in quotes"
        )
        return Unreadable(shown, place, error)
    fields: dict[str, Any] = {name: cell for name, cell in zip(header, row, strict=False) if cell}
    if "types" in fields:
        fields["types"] = [name.strip() for name in re.split("[,，、]", fields["types"])]
    return _from_fields(fields, place, text_column, shown)


def _from_values(values: Mapping[str, Any], place: str, text_column: str) -> Record | Unreadable:
    fields = {name: value for name, value in values.items() if value is not None}
    return _from_fields(fields, place, text_column, str(fields.get(text_column, "")))


def _from_fields(fields: Mapping[str, Any], place: str, text_column: str, shown: str) -> Record | Unreadable:
    named = {"text": fields.get(text_column)}
    others = {name: _plain(value) for name, value in fields.items() if name not in (text_column, "text")}
    try:
        return record_of({**others, **named}, place)
    except DataError as error:
        return Unreadable(shown, place, located(error, place))


def _plain(value: Any) -> Any:
    """A value that JSON can hold: dates, bytes and the like become their text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=str))
    except ValueError:
        return str(value)
