"""What is read: raw texts, and annotated records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError, InputError
from ranit_rag.extras import require
from ranit_rag.stores.formats import read_examples
from ranit_rag.stores.formats.jsonl import parse_object
from ranit_rag.stores.formats.reading import Located, lines
from ranit_rag.types import Example

EXTRA = "train"
LONGEST_BLOCK = 20_000  # characters of a .txt file that are held together where no blank line parts them
TOLD = 5  # broken records named in an error
# Of a data set: a name, or an owner and a name; what ends as files do is a file that is not there.
_HUB_NAME = re.compile(r"[\w-]+|[\w-][\w.-]*/(?!.*\.(txt|jsonl|ndjson|json|parquet|csv|tsv|gz|xz)$)[\w-][\w.-]*", re.I)
_SAVED_MARKS = ("state.json", "dataset_dict.json")  # what ``save_to_disk`` leaves


@dataclass(frozen=True, slots=True)
class Document:
    """A raw text and where it came from: ``file:line``, or ``file:row``."""

    text: str
    origin: str


def read_documents(source: str | Path, *, field: str = "text", split: str = "train") -> Iterator[Document | DataError]:
    """The raw texts of a source, streamed; a broken row comes as a DataError in its place.

    ``.txt``: a document ends at a blank line (or after 20,000 characters, at the next line end). ``.jsonl``,
    ``.parquet`` and Hugging Face data sets (saved directories, directories of files, hub names): the column ``field``.
    Text files may end in .gz or .xz. ``split`` is for data sets that have splits. Raises DataError where nothing can
    be read.
    """
    path = Path(source)
    if not path.exists() and not _HUB_NAME.fullmatch(str(source)):  # the hub is asked for names alone
        raise DataError(f"{str(source)!r} is neither a file nor a data set", hint="check the path or the name")
    suffix = (Path(path.stem).suffix if path.suffix in (".gz", ".xz") else path.suffix).lower()
    if path.is_dir() or not path.exists():
        return _column(_open_dataset(source, split), field, str(source))
    if suffix == ".txt":
        return _blocks(path)
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path, field)
    if suffix == ".parquet":
        return _column(_parquet_rows(path, field), field, str(path))
    raise InputError(
        f"the name of {path} does not tell what it holds", hint="texts are read from .txt, .jsonl, .parquet, data sets"
    )


def _blocks(path: Path) -> Iterator[Document | DataError]:
    block: list[str] = []
    first = size = 0
    for number, line in lines(path):
        if isinstance(line, DataError):
            yield _located(line, f"{path}:{number}")
            continue
        if line.strip():
            first = first or number
            block.append(line)
            size += len(line) + 1
        if block and (not line.strip() or size >= LONGEST_BLOCK):
            yield Document("\n".join(block), f"{path}:{first}")
            block, first, size = [], 0, 0
    if block:
        yield Document("\n".join(block), f"{path}:{first}")


def _json_lines(path: Path, field: str) -> Iterator[Document | DataError]:
    for number, line in lines(path):
        place = f"{path}:{number}"
        try:
            if isinstance(line, DataError):
                raise line
            if line.strip():
                yield _document(parse_object(line), field, place)
        except DataError as error:
            yield _located(error, place)


def _column(rows: Iterable[dict[str, Any]], field: str, origin: str) -> Iterator[Document | DataError]:
    for number, row in enumerate(rows, start=1):
        place = f"{origin}:{number}"
        try:
            yield _document(row, field, place)
        except DataError as error:
            yield _located(error, place)


def _document(row: dict[str, Any], field: str, place: str) -> Document:
    text = row.get(field)
    if not isinstance(text, str):
        raise DataError(f"there is no text under {field!r}", hint=f"the fields are {', '.join(row)}")
    return Document(text, place)


def _parquet_rows(path: Path, field: str) -> Iterator[dict[str, Any]]:
    parquet = require("pyarrow.parquet", extra=EXTRA)
    try:
        file = parquet.ParquetFile(path)
        if field not in file.schema_arrow.names:
            raise DataError(
                f"{path} has no column {field!r}", hint=f"its columns are {', '.join(file.schema_arrow.names)}"
            )
        for batch in file.iter_batches(batch_size=1024, columns=[field]):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise DataError(f"cannot read {path}: {error}", hint="is it a Parquet file, and whole?") from error


def _open_dataset(source: str | Path, split: str) -> Iterable[dict[str, Any]]:
    datasets = require("datasets", extra=EXTRA)
    path = Path(source)
    try:
        if not any((path / mark).is_file() for mark in _SAVED_MARKS):
            rows: Iterable[dict[str, Any]] = datasets.load_dataset(str(source), split=split, streaming=True)
            return rows
        saved = datasets.load_from_disk(str(path))
        if not isinstance(saved, dict):
            return saved  # type: ignore[no-any-return]
        if split in saved:
            return saved[split]  # type: ignore[no-any-return]
        raise DataError(f"{source} has no split {split!r}", hint=f"its splits are {', '.join(saved)}")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(source)!r} is neither a file nor a data set: {error}", hint="check the path or the name"
        ) from error


def load_records(paths: Sequence[Path], *, split: str | None = None, skip_broken: bool = False) -> list[Example]:
    """The annotated records of files that ``ranit_rag.stores.formats`` reads, in order.

    ``split`` keeps the JSONL records whose field ``split`` says so, and that split of a data set. A broken record is
    passed over with ``skip_broken``, else a DataError names the first ones. Raises DataError where nothing is left.
    """
    records: list[Example] = []
    broken: list[str] = []
    for path in paths:
        for number, record in _located_records(path, split):
            if isinstance(record, Example):
                records.append(record)
            else:
                broken.append(f"{path}:{number}: {record.message}")
    if broken and not skip_broken:
        raise DataError(
            f"{len(broken)} of {len(broken) + len(records)} records are broken: " + "; ".join(islice(broken, TOLD)),
            hint="correct them, or pass over them with --skip-broken",
        )
    if not records:
        named = ", ".join(map(str, paths))
        wanted = f" of split {split!r}" if split else ""
        raise DataError(f"there is no record{wanted} in {named}", hint="check the path and the split")
    return records


def _located_records(path: Path, split: str | None) -> Iterator[Located]:
    if split is None:
        yield from read_examples(path)
        return
    if path.is_dir():
        yield from read_examples(_open_dataset(path, split))
        return
    for number, line in lines(path):
        try:
            if isinstance(line, DataError):
                raise line
            row = parse_object(line) if line.strip() else {}
            if row.get("split") == split:
                yield number, Example.from_dict({**row, "language": row.get("language") or row.get("lang")})
        except DataError as error:
            yield number, error


def _located(error: DataError, place: str) -> DataError:
    return DataError(f"{place}: {error.message}", hint=error.hint)
