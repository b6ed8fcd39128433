"""The journal of an annotation run: every answer as soon as it is there, so that a killed run asks nothing again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock

from ranit_rag.errors import DataError, InputError


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model wrote about the passage ``key``, and its cost in tokens."""

    key: str
    answer: str
    truncated: bool
    prompt_tokens: int
    output_tokens: int


def passage_key(text: str) -> str:
    """The name of a passage in a journal; equal passages are asked once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Journal:
    """An append-only file of answers, one on each line, held by one process at a time.

    Its first line says what was asked of which model; a journal of another kind is an InputError, so that answers of
    different recipes never mix. A last line that was cut off by a kill is removed. Memory holds the places of the
    answers, not the answers.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}  # where a line begins, and its length
        self.prompt_tokens = self.output_tokens = 0
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
            entry = _parsed(line)
            if not line.endswith(b"\n"):
                break
            end = place + len(line)
            if number == 0 and entry.get("asked") != asked:
                raise InputError(
                    f"{self._path} was begun with {json.dumps(entry.get('asked'), ensure_ascii=False)}, "
                    f"not with {json.dumps(asked, ensure_ascii=False)}",
                    hint="go on with what it was begun with, or give another journal",
                )
            if number:
                self._note(entry, place, len(line))
        self._file.truncate(end)
        if not end:
            self._append({"asked": asked})

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as stream:
            place = 0
            for line in stream:
                yield place, line
                place += len(line)

    def _note(self, entry: Mapping[str, Any], place: int, length: int) -> None:
        try:
            self._places[entry["key"]] = (place, length)
            self.prompt_tokens += entry["prompt_tokens"]
            self.output_tokens += entry["output_tokens"]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{self._path} holds a line at byte {place} that is no answer", hint="remove it, or give a new journal"
            ) from error

    def add(self, answered: Answered) -> None:
        """Write an answer; after this it survives a kill."""
        entry = asdict(answered)
        self._note(entry, *self._append(entry))

    def _append(self, entry: Mapping[str, Any]) -> tuple[int, int]:
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        place = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise DataError(f"cannot write {self._path}: {error.strerror}", hint="make room on the disk") from error
        return place, len(line)

    def get(self, key: str) -> Answered | None:
        """The answer about a passage, or None where it was not asked."""
        if key not in self._places:
            return None
        place, length = self._places[key]
        self._file.seek(place)
        return Answered(**_parsed(self._file.read(length)))

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


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
