"""A journal of a long run: every result as soon as it is there, so that a killed run does nothing twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock

from ranit_rag.errors import DataError, InputError

Entry = Mapping[str, Any]


class Journal:
    """An append-only file of JSON entries, each under its ``key``, held by one process at a time.

    The first line says what was ``asked``; a journal of something else is an InputError, so that results never mix. A
    last line that was cut off by a kill is removed. ``check`` sees every entry, also those of earlier runs; a KeyError
    or TypeError of it makes a DataError. Memory holds the places of the entries, not the entries.
    """

    def __init__(
        self, path: Path, asked: Mapping[str, Any], *, check: Callable[[Entry], None] = lambda _: None
    ) -> None:
        self._path = path
        self._check = check
        self._places: dict[str, tuple[int, int, int | None]] = {}  # where a line begins, its length, and the item in it
        self._read: tuple[int, Any] = (-1, None)  # the line read last: its other entries are often asked for next
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(f"{path}.lock", timeout=0)
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise InputError(f"{path} is being written by another run", hint="wait for it to end") from error
        try:
            self._file = path.open("ab+", buffering=0)
            self._open(dict(asked))
        except BaseException:
            self.close()
            raise

    def _open(self, asked: dict[str, Any]) -> None:
        end = 0
        for number, (place, line) in enumerate(self._lines()):
            content = _parsed(line)
            if not line.endswith(b"\n"):
                break
            end = place + len(line)
            if number:
                self._note(content, place, len(line))
                continue
            begun_with = content.get("asked") if isinstance(content, dict) else None
            if begun_with != asked:
                raise InputError(
                    f"{self._path} was begun with {json.dumps(begun_with, ensure_ascii=False)}, "
                    f"not with {json.dumps(asked, ensure_ascii=False)}",
                    hint="go on with what it was begun with, or give another journal",
                )
        self._file.truncate(end)
        if not end:
            self._append({"asked": asked})

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as stream:
            place = 0
            for line in stream:
                yield place, line
                place += len(line)

    def _note(self, content: Any, place: int, length: int) -> None:
        together = isinstance(content, list)
        try:
            for item, entry in enumerate(content if together else [content]):
                self._check(entry)
                self._places[entry["key"]] = (place, length, item if together else None)
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{self._path} holds a line at byte {place} that is no answer", hint="remove it, or give a new journal"
            ) from error

    def add(self, *entries: Entry) -> None:
        """Write entries. After this they survive a kill; a kill meanwhile leaves all of them or none."""
        content = entries[0] if len(entries) == 1 else list(entries)
        self._note(content, *self._append(content))

    def _append(self, content: Entry | Sequence[Entry]) -> tuple[int, int]:
        line = (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        place = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise DataError(f"cannot write {self._path}: {error.strerror}", hint="make room on the disk") from error
        return place, len(line)

    def get(self, key: str) -> Entry | None:
        """The entry under a key, or None where there is none."""
        if key not in self._places:
            return None
        place, length, item = self._places[key]
        if self._read[0] != place:
            self._file.seek(place)
            self._read = (place, _parsed(self._file.read(length)))
        content = self._read[1]
        entry: Entry = content if item is None else content[item]
        return entry

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Let the next process have it."""
        if hasattr(self, "_file"):
            self._file.close()
        self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None
