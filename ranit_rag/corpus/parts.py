"""Parts: the rows of so many records in a file of their own, and those that failed in another beside it.

A part is written when all of its records have an outcome. Until then ``Outcomes`` keep them, so that a kill costs only
what was under way; a part that is written needs none, for its rows carry the keys of their records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ranit_rag.corpus.outcomes import Outcome, Outcomes, outcome_in
from ranit_rag.corpus.rows import to_json
from ranit_rag.corpus.summary import Tally
from ranit_rag.corpus.writing import write_whole
from ranit_rag.results import Usage
from ranit_rag.types import Entity

_LONG = 1 << 22  # bytes of a row
_ENTITY = {each.name for each in fields(Entity)}


@dataclass(frozen=True, slots=True)
class Head:
    """What a row says of its record: its place in the corpus, its key, and what is handed through.

    ``index`` is -1 where a corpus has no order of its own. ``origin``, which only failures tell, is no part of what
    makes two heads equal.
    """

    index: int
    key: str
    id: Any
    origin: str = field(compare=False)
    meta: Mapping[str, Any]

    def row(self, outcome: Outcome) -> Iterator[bytes]:
        """The row of the record with this outcome, as a line of JSON in pieces."""
        place = {} if self.index < 0 else {"index": self.index}
        named = {} if self.id is None else {"id": self.id}
        origin = {"origin": self.origin} if outcome.failed else {}  # for those who look for the cause
        meta = {"meta": dict(self.meta)} if self.meta else {}
        yield to_json({**place, "key": self.key, **named, **origin})[:-1] + b", "
        yield from outcome.body
        yield b", " + to_json({"usage": outcome.usage, **meta})[1:] + b"\n"


class Part:
    """Part ``number`` of a run into ``folder``; ``asked`` heads its journal."""

    def __init__(self, folder: Path, number: int, asked: Mapping[str, Any]) -> None:
        self.number = number
        self.tally = Tally()
        self.heads: list[Head] = []
        self.sealed = False
        self.failed = 0
        self._rows, self._failures, self._journal = part_files(folder, number)
        self._asked = {**asked, "part": number}
        self._under_way: set[str] = set()
        self._written = _Written(self._rows, self._failures) if self._rows.exists() else None
        self._outcomes = Outcomes(self._journal, self._asked) if self._journal.exists() else None

    @property
    def done(self) -> bool:
        """Whether all records were taken, and have their outcomes."""
        return self.sealed and not self._under_way

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def fits(self, head: Head) -> bool:
        """Whether the part, if it is written, has this record at this place."""
        return self._written is None or self._written.key_at(head.index) == head.key

    def take(self, head: Head) -> None:
        """Give the next record its place."""
        self.heads.append(head)

    def knows(self, key: str, *, failures: bool) -> bool:
        """Whether the outcome of a record is there or under way. Without ``failures`` only a success counts."""
        if key in self._under_way:
            return True
        kept = None if self._outcomes is None else self._outcomes.get(key)
        if kept is not None:
            return failures or not kept.failed
        return self._written is not None and self._written.knows(key, failures=failures)

    def ask(self, key: str) -> None:
        """Note that the outcome of a record is under way: its equals wait for it."""
        self._under_way.add(key)

    def add(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep outcomes by their keys. After this they survive a kill; all or none of them, if it comes meanwhile."""
        if self._outcomes is None:
            self._outcomes = Outcomes(self._journal, self._asked)
        self._outcomes.add(outcomes)
        self._under_way.difference_update(outcomes)
        self.failed += sum(outcome.failed for outcome in outcomes.values())

    def finish(self) -> None:
        """Write the rows in the order of their records, unless they are there; the journal is over with that."""
        if self._outcomes is None and self._written is not None and self._written.heads == self.heads:
            self.tally = self._written.tally
            self.close()
            return
        write_whole(self._failures, self._lines(failures=True))
        write_whole(self._rows, self._lines(failures=False))
        if not self._failures.stat().st_size:
            self._failures.unlink()
        self.close()
        if self._outcomes is not None:
            self._outcomes.delete()

    def close(self) -> None:
        """Let the files go; what was kept stays where it is unless the part is finished."""
        if self._outcomes is not None:
            self._outcomes.close()
        if self._written is not None:
            self._written.close()

    def _outcome(self, key: str) -> Outcome | None:
        known = None if self._outcomes is None else self._outcomes.get(key)
        return known if known is not None or self._written is None else self._written.outcome(key)

    def _lines(self, *, failures: bool) -> Iterator[bytes]:
        seen: set[str] = set()
        for head in self.heads:
            outcome = self._outcome(head.key)
            assert outcome is not None, f"record {head.index} has no outcome"  # noqa: S101
            if head.key in seen:  # asked once, with its equal before it
                outcome = replace(outcome, usage=Usage().to_dict())
            seen.add(head.key)
            if failures == outcome.failed:
                self.tally.add(outcome.tally)
                self.tally.spend(outcome.usage)
                yield from head.row(outcome)


class _Written:
    """What is in the files of a part: read once for the heads, then row by row where one is asked for."""

    def __init__(self, rows: Path, failures: Path) -> None:
        self.tally = Tally()
        self._rows = rows
        self._places: dict[str, tuple[Path, int, int]] = {}
        heads: dict[int, Head] = {}
        for path in (rows, failures):
            for place, length, row in read_lines(path):
                head = Head(row["index"], row["key"], row.get("id"), row.get("origin", ""), row.get("meta", {}))
                heads[head.index] = head
                self._places.setdefault(head.key, (path, place, length))
                self.tally.add(Tally.of_row(row))
                self.tally.spend(row["usage"])
        self._keys = {index: head.key for index, head in heads.items()}
        self.heads = [heads[index] for index in sorted(heads)]
        # A row that moved to the folder for earlier ones is still wanted, so the files are held open.
        self._open = {path: path.open("rb") for path in (rows, failures) if path.exists()}

    def close(self) -> None:
        for stream in self._open.values():
            stream.close()

    def key_at(self, index: int) -> str | None:
        return self._keys.get(index)

    def knows(self, key: str, *, failures: bool) -> bool:
        return key in self._places and (failures or self._places[key][0] == self._rows)

    def outcome(self, key: str) -> Outcome | None:
        if key not in self._places:
            return None
        path, place, length = self._places[key]
        stream = self._open[path]
        stream.seek(place)
        return outcome_in(json.loads(stream.read(length)))


def read_lines(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Where each row of a file stands, its length in bytes, and the row. What is no row is passed over: it is asked
    again. Entities of a very long row say their label alone."""
    if not path.exists():
        return
    place = 0
    with path.open("rb") as stream:
        for line in stream:
            try:
                row = json.loads(line) if len(line) < _LONG else json.loads(line, object_pairs_hook=_outline())
                if isinstance(row, dict) and isinstance(row["index"], int) and isinstance(row["key"], str):
                    yield place, len(line), row
            except (ValueError, KeyError, RecursionError):
                pass
            place += len(line)


def _outline() -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """A reader of JSON objects that makes one object of all entities of a label: a million would fill the memory."""
    of_label: dict[str, dict[str, Any]] = {}

    def outlined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if read.keys() != _ENTITY or not isinstance(read["label"], str):
            return read
        return of_label.setdefault(read["label"], {"label": read["label"]})

    return outlined


def part_files(folder: Path, number: int) -> tuple[Path, Path, Path]:
    """The rows, the failures and the journal of a part."""
    return (
        folder / f"part-{number:05d}.jsonl",
        folder / f"failures-{number:05d}.jsonl",
        folder / f"part-{number:05d}.journal",
    )


def files_from(folder: Path, first: int = 0) -> list[Path]:
    """The files of all parts from number ``first`` on."""
    found: Iterable[Path] = (path for pattern in ("part-*", "failures-*") for path in folder.glob(pattern))
    return sorted(path for path in found if number_of(path) >= first)


def number_of(path: Path) -> int:
    """The number of the part that a file belongs to; -1 where its name has none."""
    digits = path.name.partition("-")[2].partition(".")[0]
    return int(digits) if digits.isdecimal() else -1
