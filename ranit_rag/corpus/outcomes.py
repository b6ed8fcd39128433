"""Outcomes: what became of records, as JSON in pieces, so that a long text's never stands in memory as a whole.

While a part is under way they lie in one file, and a journal beside it says where: so rows are copied into their part
without being read.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ranit_rag.corpus.rows import to_json
from ranit_rag.corpus.summary import Tally
from ranit_rag.corpus.writing import unwritable
from ranit_rag.journal import Journal
from ranit_rag.results import Extraction, Failure

Item = TypeVar("Item")

_OF_RECORD = ("index", "key", "id", "origin", "meta")
_BEGINNING = 200
_BLOCK = 1 << 20
_ITEMS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row says beside its record's head. ``body`` is JSON without its braces and without the usage, in pieces
    that may be read once; ``tally`` counts all but the usage."""

    body: Iterable[bytes]
    usage: Mapping[str, Any]
    tally: Tally

    @property
    def failed(self) -> bool:
        return bool(self.tally.failures)


def outcome_of(result: Extraction | Failure) -> Outcome:
    """The outcome that a result is. A failure shows how its text begins."""
    tally = Tally.of(result)
    if isinstance(result, Extraction):
        return Outcome(_body(result), result.usage.to_dict(), tally)
    failure = {**result.to_dict(), "text": result.text[:_BEGINNING]}
    return Outcome([to_json(failure)[1:-1]], result.usage.to_dict(), tally)


def outcome_in(row: Mapping[str, Any]) -> Outcome:
    """The outcome that a row tells of."""
    body = {name: value for name, value in row.items() if name not in (*_OF_RECORD, "usage")}
    return Outcome([to_json(body)[1:-1]], row["usage"], Tally.of_row(row))


def _body(extraction: Extraction) -> Iterator[bytes]:
    """The fields of ``Extraction.to_dict``, less the usage."""
    yield b'"text": "'
    for first in range(0, len(extraction.text), _BLOCK):
        yield to_json(extraction.text[first : first + _BLOCK])[1:-1]
    yield b'", "language": ' + to_json(extraction.language) + b', "entities": '
    yield from _list(extraction.entities, lambda entity: entity.to_dict())
    yield b', "decisions": '
    yield from _list(extraction.decisions, lambda decision: decision.to_dict())
    yield b', "coverage": ' + to_json(extraction.coverage) + b', "dropped": '
    yield from _list(extraction.dropped, lambda dropped: dropped.to_dict())


def _list(items: Sequence[Item], as_dict: Callable[[Item], Mapping[str, Any]]) -> Iterator[bytes]:
    yield b"["
    for first in range(0, len(items), _ITEMS_AT_ONCE):
        some = to_json([as_dict(item) for item in items[first : first + _ITEMS_AT_ONCE]])
        yield (b", " if first else b"") + some[1:-1]
    yield b"]"


class Outcomes:
    """The outcomes of a part that is under way, by the keys of their records; what was ``add``-ed survives a kill.

    ``asked`` heads the journal. Raises DataError where they cannot be read or written.
    """

    def __init__(self, journal: Path, asked: Mapping[str, Any]) -> None:
        self._file = journal.with_suffix(".outcomes")
        self._paths = (self._file, journal.with_name(f"{journal.name}.lock"), journal)
        self._sound: set[str] = set()
        self._journal = Journal(journal, asked)
        try:
            self._bodies = self._file.open("ab+", buffering=0)
        except OSError as error:
            self._journal.close()
            raise unwritable(self._file, error) from error

    def add(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep outcomes: all or none of them, if a kill comes meanwhile."""
        entries = [
            {"key": key, **self._write(outcome.body), "usage": outcome.usage, "tally": outcome.tally.to_dict()}
            for key, outcome in outcomes.items()
        ]
        self._journal.add(*entries)
        self._sound.update(outcomes)

    def get(self, key: str) -> Outcome | None:
        """The outcome of a record; None where there is none, or the disk lost it with the machine's power."""
        entry = self._journal.get(key)
        if entry is None:
            return None
        if key not in self._sound:
            if _checksum(self._read(entry)) != entry["checksum"]:
                return None
            self._sound.add(key)
        return Outcome(self._read(entry), entry["usage"], Tally.from_dict(entry["tally"]))

    def close(self) -> None:
        """Let the files go; they stay where they are."""
        self._bodies.close()
        self._journal.close()

    def delete(self) -> None:
        """Close and remove the files: the part is written. The journal goes last, so that a kill meanwhile is seen."""
        self.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def _write(self, body: Iterable[bytes]) -> dict[str, int]:
        place = end = self._bodies.seek(0, 2)
        checksum = 0
        try:
            for block in _blocks(body):
                checksum = zlib.crc32(block, checksum)
                left = memoryview(block)
                while left:
                    left = left[self._bodies.write(left) :]
                end += len(block)
        except OSError as error:
            raise unwritable(self._file, error) from error
        return {"place": place, "length": end - place, "checksum": checksum}

    def _read(self, entry: Mapping[str, Any]) -> Iterator[bytes]:
        place, end = entry["place"], entry["place"] + entry["length"]
        while place < end:
            self._bodies.seek(place)
            block = self._bodies.read(min(_BLOCK, end - place))
            if not block:
                return
            place += len(block)
            yield block


def _checksum(blocks: Iterable[bytes]) -> int:
    checksum = 0
    for block in blocks:
        checksum = zlib.crc32(block, checksum)
    return checksum


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces put together: a system call for each would take longer than the writing."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _BLOCK:
            yield bytes(held)
            held.clear()
    yield bytes(held)
