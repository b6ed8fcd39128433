"""What all readers share: how a file is opened, and how a record becomes an example."""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ranit_rag.errors import DataError
from ranit_rag.text.language import detect_language
from ranit_rag.types import Entity, Example

_DAMAGED = (OSError, EOFError, lzma.LZMAError, zlib.error)  # what a compressed file raises that is cut off or spoilt

Located = tuple[int, Example | DataError]
"""The number of a line (a record, where the format has no lines), counted from 1, and its example or what is wrong."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an example is given where its record says nothing. The language is otherwise read off the text."""

    domain: str = ""
    language: str = ""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, through gzip or xz where the name says so. Raises DataError where that fails."""
    try:
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if path.suffix == ".xz":
            return lzma.open(path, "rb")
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", hint="check the path") from error


def read_head(path: Path) -> bytes:
    """The first 64 KB of a file, to tell its format. Raises DataError."""
    with open_bytes(path) as file:
        try:
            return file.read(65_536)
        except _DAMAGED as error:
            raise _damaged(path, error) from error


def lines(path: Path) -> Iterator[tuple[int, str | DataError]]:
    """The lines of a text file with their numbers, without line ends; a line that is not UTF-8 is a DataError."""
    with open_bytes(path) as file:
        try:
            for number, raw in enumerate(file, start=1):
                try:
                    yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    yield (
                        number,
                        DataError(f"byte {error.start} of the line is not UTF-8", hint="save the file as UTF-8"),
                    )
        except _DAMAGED as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot read {path}: {error}", hint="the file is damaged: fetch or make it again")


def json_array(path: Path) -> list[dict[str, Any]]:
    """The records of a file that is one JSON array, read as a whole. Raises DataError."""
    with open_bytes(path) as file:
        try:
            records = json.loads(file.read().decode("utf-8-sig"))
        except (*_DAMAGED, ValueError, RecursionError) as error:
            raise DataError(f"{path} is not JSON: {error}", hint="check that the file is whole") from error
    if not isinstance(records, list):
        raise DataError(f"{path} holds a {type(records).__name__}, not an array of records")
    return records


def build_example(text: object, entities: Iterable[Mapping[str, Any]], defaults: Defaults, **fields: object) -> Example:
    """The example of a record; an entity that is listed twice counts once.

    Raises DataError, which says so where the offsets fit if they count bytes or UTF-16 units.
    """
    unique: dict[str, Mapping[str, Any]] = {}
    for entity in entities:
        if not isinstance(entity, Mapping):
            raise DataError(f"an entity must be an object with start, end and label, not {entity!r}")
        unique.setdefault(repr((entity.get("start"), entity.get("end"), entity.get("label"))), entity)
    record = {
        "text": text,
        "entities": list(unique.values()),
        "domain": fields.get("domain") or defaults.domain,
        "language": fields.get("language") or defaults.language or detect_language(str(text)),
        "source": fields.get("source"),
        "id": fields.get("id"),
    }
    try:
        return Example.from_dict(record)
    except DataError as error:
        unit = _offset_unit(text, list(unique.values())) if isinstance(text, str) and unique else None
        if unit is None:
            raise
        raise DataError(
            f"{error.message}: the offsets seem to count {unit}", hint="count Unicode code points, as Python does"
        ) from error


def _offset_unit(text: str, entities: Sequence[Mapping[str, Any]]) -> str | None:
    """What wrong offsets count, if all mentions are found by it."""
    for unit, encoding, width in (("UTF-16 units", "utf-16-le", 2), ("bytes of UTF-8", "utf-8", 1)):
        encoded = text.encode(encoding, "surrogatepass")
        try:
            found = all(
                encoded[e["start"] * width : e["end"] * width].decode(encoding, "replace") == e["text"]
                for e in entities
            )
        except (KeyError, TypeError, AttributeError):  # no mention to compare with
            return None
        if found:
            return unit
    return None


def spans(entities: Iterable[tuple[int, int, str]]) -> list[dict[str, Any]]:
    """Entities as ``build_example`` reads them, from ``(start, end, label)``."""
    return [{"start": start, "end": end, "label": label} for start, end, label in entities]


def entity_records(entities: Iterable[Entity]) -> list[dict[str, Any]]:
    """Entities as they are written to JSON."""
    return [{"start": e.start, "end": e.end, "label": e.label, "text": e.text} for e in entities]
