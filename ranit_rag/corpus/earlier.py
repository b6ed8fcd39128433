"""Rows of parts that no longer fit an input that changed: found by their keys, so that nothing is asked twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from ranit_rag.corpus.outcomes import Outcome, outcome_in
from ranit_rag.corpus.parts import files_from, read_lines

_INDEX = "index.sqlite"


class Earlier:
    """The folder ``earlier`` of an output, with the parts that were set aside and an index of their rows on disk.

    It lives until the run that made it, or one that goes on with it, is through.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._folder = output / "earlier"
        self._index: sqlite3.Connection | None = None
        if self._folder.is_dir():
            self._read()

    def set_aside(self, first: int) -> None:
        """Move the rows and failures of all parts from number ``first`` on here."""
        moved = [path for path in files_from(self._output, first) if path.suffix == ".jsonl"]
        if not moved:
            return
        self._folder.mkdir(exist_ok=True)
        taken = len(list(self._folder.iterdir()))  # an input may change more than once before a run is through
        for number, path in enumerate(moved, taken):
            path.replace(self._folder / f"{number:08d}-{path.name}")
        self._read()

    def outcome(self, key: str) -> Outcome | None:
        """The outcome of the record with this key, where one was set aside."""
        found = self._index and self._index.execute("SELECT name, place, length FROM rows WHERE key = ?", (key,))
        row = found.fetchone() if found else None
        if row is None:
            return None
        name, place, length = row
        with (self._folder / name).open("rb") as stream:
            stream.seek(place)
            return outcome_in(json.loads(stream.read(length)))

    def clear(self) -> None:
        """Let go of all that was set aside."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _read(self) -> None:
        self.close()
        (self._folder / _INDEX).unlink(missing_ok=True)
        self._index = sqlite3.connect(self._folder / _INDEX)
        self._index.execute("PRAGMA synchronous = OFF")  # it is made anew by every run that needs it
        self._index.execute("CREATE TABLE rows (key TEXT PRIMARY KEY, name TEXT, place INTEGER, length INTEGER)")
        for path in sorted(self._folder.glob("*.jsonl")):
            rows = ((row["key"], path.name, place, length) for place, length, row in read_lines(path))
            self._index.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", rows)
        self._index.commit()
