"""How conversations are written: JSON lines, a JSON array, Parquet, or a LLaMA-Factory data set.

All hold sharegpt rows: ``{"id", "system", "conversations": [{"from": "human" | "gpt", "value"}], "examples": [id]}``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ranit_rag.errors import DataError, InputError
from ranit_rag.extras import require

Layout = Literal["files", "llama-factory"]
Row = dict[str, Any]

ROWS_AT_ONCE = 1_000
_TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
_COLUMNS = {"messages": "conversations", "system": "system"}


def write_rows(rows: Iterable[Row], path: Path) -> int:
    """Write ``.jsonl``, ``.json`` or ``.parquet`` by the name, as the rows come; returns their number.

    The file is there when it is whole, and not before. Raises DataError where it cannot be written.
    """
    writers = {".jsonl": _write_lines, ".json": _write_array, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise InputError(f"{path} is not a name for conversations", hint=f"it ends in {', '.join(writers)}")
    with completed(path) as partial:
        return writers[path.suffix](rows, partial)


def write_llama_factory(rows: Iterable[Row], directory: Path, name: str) -> int:
    """Write ``<name>.jsonl`` and its entry in ``dataset_info.json``, beside those that are there."""
    with told_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    index = directory / "dataset_info.json"
    try:
        entries = json.loads(index.read_text("utf-8")) if index.exists() else {}
    except ValueError as error:
        raise DataError(f"{index} is not JSON: {error}", hint="correct it, or choose another directory") from error
    file_name = f"{name}.jsonl"
    count = write_rows(rows, directory / file_name)
    entries[name] = {"file_name": file_name, "formatting": "sharegpt", "columns": _COLUMNS, "tags": _TAGS}
    with completed(index) as partial:
        partial.write_text(json.dumps(entries, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return count


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file that ``write_rows`` wrote. Raises DataError where a line is not JSON."""
    for _, row in numbered_rows(path):
        if isinstance(row, DataError):
            raise row
        yield row


def numbered_rows(path: Path) -> Iterator[tuple[int, Row | DataError]]:
    """The rows of a file by their numbers, lines of JSON by those of the lines; blank ones are passed over."""
    if path.suffix in (".parquet", ".json"):
        yield from enumerate(_whole_rows(path), start=1)
        return
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, _row(line)


def _row(line: str) -> Row | DataError:
    try:
        row: Row = json.loads(line)
        return row
    except (ValueError, RecursionError) as error:
        return DataError(f"the line is not JSON: {error}", hint="correct it, or make the data again")


def _whole_rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        parquet = require("pyarrow.parquet", extra="train")
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
            yield from batch.to_pylist()
    else:
        yield from json.loads(path.read_text("utf-8"))


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """A name to write under; what is there takes the name ``path`` when the block ends well, and goes when it fails."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with told_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def told_errors(path: Path) -> Iterator[None]:
    """Turns an OSError into a DataError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}", hint="check the path and the space on the disk"
        ) from error


def _write_lines(rows: Iterable[Row], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_array(rows: Iterable[Row], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write((",\n" if count else "[\n") + json.dumps(row, ensure_ascii=False))
            count += 1
        stream.write("\n]\n" if count else "[]\n")
    return count


def _write_parquet(rows: Iterable[Row], path: Path) -> int:
    arrow = require("pyarrow", extra="train")
    parquet = require("pyarrow.parquet", extra="train")
    text = arrow.string()
    turns = arrow.list_(arrow.struct([("from", text), ("value", text)]))
    schema = arrow.schema([("id", text), ("system", text), ("conversations", turns), ("examples", arrow.list_(text))])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        stream = iter(rows)
        while some := list(islice(stream, ROWS_AT_ONCE)):
            writer.write_table(arrow.Table.from_pylist(some, schema=schema))
            count += len(some)
    return count
