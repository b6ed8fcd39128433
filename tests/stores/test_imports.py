"""Importing a file: nothing is written before all of it was checked, and every broken line is told."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranit_rag.stores import open_stores
from ranit_rag.stores.base import AddReport
from ranit_rag.stores.imports import LineProblem, import_examples
from ranit_rag.types import Example


class Lengths:
    """Two dimensions, by the length of the text: enough to see what is written."""

    name, dimension = "lengths", 2

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        angles = np.array([len(text) for text in texts], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def line(number: int, broken: bool = False) -> str:
    text = f"Ann wrote letter {number} to Bob."
    return json.dumps({"text": text, "entities": [{"start": int(broken), "end": 3, "label": "person", "text": "Ann"}]})


def test_a_broken_file_is_not_imported_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join([line(1), line(2, broken=True), line(3), line(1), "{"]), "utf-8")
    store = open_stores(":memory:").open("letters", Lengths(), create=True)
    store.add([Example("What was there before.")])
    version = store.version
    problems: list[LineProblem] = []
    report = import_examples(store, path, on_problem=problems.append)
    assert (report.read, report.broken, report.duplicates, report.added) == (3, 2, 1, None)
    assert [(p.line, p.kind) for p in problems] == [(2, "broken"), (4, "duplicate"), (5, "broken")]
    assert "line 1" in problems[1].reason
    assert (len(store), store.version) == (1, version)
    report = import_examples(store, path, skip_broken=True)
    assert report.added == AddReport(added=2, duplicates=1)
    assert {e.domain for e in store.snapshot().examples} == {"letters"}


def test_fifty_megabytes_with_every_tenth_line_broken(tmp_path: Path) -> None:
    """Every problem is told, the store stays as it was, and memory does not grow with the file."""
    path = tmp_path / "big.jsonl"
    filler = "x" * 900
    count = 0
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < 50_000_000:
            count += 1
            text = f"Ann {count} {filler}"
            entity = {"start": 0, "end": 3 + (count % 10 == 0), "label": "person", "text": "Ann"}
            file.write(json.dumps({"text": text, "entities": [entity]}) + "\n")
    store = open_stores(tmp_path / "stores").open("letters", Lengths(), create=True)
    told = 0

    def tell(problem: LineProblem) -> None:
        nonlocal told
        told += 1
        assert problem.line % 10 == 0

    tracemalloc.start()
    report = import_examples(store, path, on_problem=tell)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told == report.broken == count // 10
    assert (report.added, len(store)) == (None, 0)
    assert peak < 25_000_000
