"""Disks that are full or may not be written: a clear error, nothing lost, and the same command goes on afterwards.

The disks are real ones, of memory and very small; mounting them needs the rights of root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranit_rag import Conversation, Example, Ranit, Reply, open_stores
from ranit_rag.corpus import Policy, Record, extract_corpus
from ranit_rag.corpus.lanes import Lanes
from ranit_rag.errors import DataError, ServerError, StoreError
from ranit_rag.stores.places import COPY_FOLDER
from ranit_rag.testing import ScriptedEngine

AT_ONCE = 8
RECORDS = [Record(f"{'bad ' if n % 50 == 7 else ''}Aspirin {n}", f"here:{n}", id=n) for n in range(400)]
EXAMPLE = Example.from_mentions("Take Aspirin twice.", {"drug": ["Aspirin"]})


class Disk:
    """A file system of its own, whose size and rights can be changed while it is in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def mount(self, size: str) -> None:
        self._run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.path), patience=0.0)

    def change(self, *words: str, **options: object) -> None:
        self._run("mount", *self._given({"remount": None, **dict.fromkeys(words), **options}), str(self.path))

    def _given(self, options: dict[str, Any]) -> tuple[str, str]:
        return "-o", ",".join(name if value is None else f"{name}={value}" for name, value in options.items())

    def _run(self, *command: str, patience: float = 10.0) -> None:
        """A disk is busy for as long as a file on it is open for writing, which Chroma's may be a little longer."""
        end = time.monotonic() + patience
        while (ended := subprocess.run(command, capture_output=True, text=True)).returncode:
            if time.monotonic() > end:
                ended.check_returncode()
            time.sleep(0.1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = Disk(tmp_path / "disk")
    try:
        disk.mount("64m")
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    yield disk
    subprocess.run(["umount", "-l", str(disk.path)], check=True)


class Noting(ScriptedEngine):
    """Fails on "bad", and knows what it was asked."""

    def __init__(self) -> None:
        super().__init__({("bad", "drug"): ServerError("refused"), ("Aspirin", "drug"): ["Aspirin"]})
        self.asked: list[str] = []

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        self.asked += [each.source or "" for each in conversations]
        return super().generate(conversations, max_tokens=max_tokens)


def run(engine: Noting, output: Path, **options: Any) -> None:
    ner = Ranit(engine, **{"judge": "never", **options})
    policy = Policy(part_size=50, stop_after=0)
    extract_corpus(ner, RECORDS, output, types={"drug": ""}, policy=policy, lanes=Lanes(texts=AT_ONCE))


def content(output: Path) -> dict[str, list[dict[str, Any]]]:
    def timeless(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "usage": {**row["usage"], "seconds": None}}

    return {path.name: [timeless(json.loads(line)) for line in path.open()] for path in output.glob("*-*.jsonl")}


@pytest.mark.parametrize("kilobytes", [4, 16, 60, 100, 200, 300])
def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(disk: Disk, tmp_path: Path, kilobytes: int) -> None:
    run(Noting(), tmp_path / "whole")
    disk.change(size=f"{kilobytes}k")
    first, second = Noting(), Noting()
    with pytest.raises(DataError, match=r"cannot write .*No space left on device") as raised:
        run(first, disk.path / "out")
    assert "make room" in raised.value.hint
    disk.change(size="64m")
    run(second, disk.path / "out")
    assert content(disk.path / "out") == content(tmp_path / "whole")
    assert len(first.asked) + len(second.asked) <= len(RECORDS) + AT_ONCE, "an answer that was there was lost"


def test_an_output_that_may_not_be_written_is_said_before_anything_is_asked(disk: Disk) -> None:
    disk.change("ro")
    engine = Noting()
    with pytest.raises(DataError, match=r"cannot write .*Read-only file system"):
        run(engine, disk.path / "out")
    assert not engine.asked
    disk.change("rw")
    run(engine, disk.path / "out")
    assert len(engine.asked) == len(RECORDS)


class Letters:
    """An embedding of two dimensions, without a model."""

    name, dimension = "letters", 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


def test_a_store_that_may_not_be_written_is_read_from_its_copy(disk: Disk) -> None:
    open_stores(str(disk.path / "stores")).open("medicine", Letters(), create=True).add([EXAMPLE])
    open_stores(str(disk.path / "stores")).open("medicine").snapshot()
    disk.change("ro")
    store = open_stores(str(disk.path / "stores")).open("medicine", Letters())
    assert [example.text for example in store.snapshot().examples] == [EXAMPLE.text]
    with pytest.raises(StoreError, match="stores") as raised:
        store.add([Example.from_mentions("Take Ibuprofen.", {"drug": ["Ibuprofen"]})])
    assert "not writable" in raised.value.hint


def test_a_store_that_chroma_may_not_write_is_said_before_anything_is_asked(disk: Disk, tmp_path: Path) -> None:
    open_stores(str(disk.path / "stores")).open("medicine", Letters(), create=True).add([EXAMPLE])
    shutil.rmtree(disk.path / "stores" / COPY_FOLDER)
    disk.change("ro")
    engine = Noting()
    with pytest.raises(StoreError, match="stores") as raised:
        run(engine, tmp_path / "out", stores=disk.path / "stores", judge="calibrated")
    assert "not writable" in raised.value.hint
    assert not engine.asked
    disk.change("rw")
    store = open_stores(str(disk.path / "stores")).open("medicine", Letters())
    assert [example.text for example in store.records()] == [EXAMPLE.text]


def test_a_store_on_a_full_disk_keeps_what_it_had(disk: Disk) -> None:
    store = open_stores(str(disk.path / "stores")).open("medicine", Letters(), create=True)
    store.add([EXAMPLE])
    used = sum(path.stat().st_size for path in disk.path.rglob("*") if path.is_file())
    disk.change(size=f"{used // 1024 + 64}k")
    many = [Example.from_mentions(f"Take Aspirin {n} times. " * 20, {"drug": ["Aspirin"]}) for n in range(500)]
    with pytest.raises(StoreError) as raised:
        store.add(many)
    assert "make room" in raised.value.hint
    disk.change(size="64m")
    again = open_stores(str(disk.path / "stores")).open("medicine", Letters())
    assert EXAMPLE.text in [example.text for example in again.records()]
    again.add(many)
    assert len(list(again.records())) == 501
