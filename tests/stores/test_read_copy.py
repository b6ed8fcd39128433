"""A process that only reads needs no Chroma after the first, and never sees anything but what Chroma holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings
from numpy.typing import NDArray

from ranit_rag.errors import StoreError
from ranit_rag.stores import open_stores, places, read_copy
from ranit_rag.stores.base import ExampleStore, StoreSet
from ranit_rag.stores.chroma import ChromaStores
from ranit_rag.stores.places import COPY_FOLDER, DATABASE_FILE
from ranit_rag.types import Example


class Counting:
    """An embedder whose vectors tell the lengths of texts."""

    name, dimension = "counting", 4

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = np.array([[len(text), len(text.split()), 1, 2] for text in texts], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


EXAMPLES = [
    Example.from_mentions("Ann lives in Berlin.", {"city": ["Berlin"], "person": ["Ann"]}, language="en"),
    Example.from_mentions("张三住在北京。🙂", {"地名": ["北京"]}, language="zh"),
    Example.from_mentions("Nobody is here.", {}),
]
Opened = Callable[[], int]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """How often Chroma's files were opened since this was last asked."""
    count = 0
    real = places._persistent_client

    def counting(path: Path) -> object:
        nonlocal count
        count += 1
        return real(path)

    def told() -> int:
        nonlocal count
        before, count = count, 0
        return before

    monkeypatch.setattr(places, "_persistent_client", counting)
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three stores, made and read by an earlier process."""
    stores = open_stores(tmp_path / "stores")
    stores.open("news", Counting(), create=True).add(EXAMPLES)
    stores.open("法律", Counting(), create=True).add(EXAMPLES[:1])
    stores.open("法律").note("threshold", 0.25)
    stores.open("empty", Counting(), create=True)
    content(open_stores(tmp_path / "stores"))
    return tmp_path / "stores"


def content(stores: StoreSet) -> dict[str, object]:
    return {name: store_content(stores.open(name)) for name in stores.names()}


def store_content(store: ExampleStore) -> object:
    snapshot = store.snapshot()
    rows = sorted(zip(snapshot.keys, snapshot.examples, snapshot.vectors.tolist(), strict=True), key=lambda row: row[0])
    return snapshot.version, store.embedding, dict(store.notes), len(store), rows


def fresh(folder: Path) -> dict[str, object]:
    """What Chroma itself says, in a copy of its files."""
    apart = folder.with_name("apart")
    shutil.copytree(folder, apart, ignore=lambda *_: [COPY_FOLDER])
    found = content(open_stores(apart))
    shutil.rmtree(apart)
    return found


def test_a_process_that_only_reads_needs_no_chroma(folder: Path, opened: Opened) -> None:
    assert content(open_stores(folder)) == fresh(folder)
    opened()
    assert content(open_stores(folder)).keys() == {"news", "法律", "empty"}
    assert opened() == 0


def test_what_was_not_kept_is_read_once(folder: Path, opened: Opened) -> None:
    shutil.rmtree(folder / COPY_FOLDER)
    first = content(open_stores(folder))
    assert opened() > 0
    assert content(open_stores(folder)) == first
    assert opened() == 0


def writes(name: str) -> Callable[[StoreSet], object]:
    changes: dict[str, Callable[[StoreSet], object]] = {
        "add": lambda stores: stores.open("news", Counting()).add([Example.from_mentions("Bob is new.", {})]),
        "replace": lambda stores: stores.open("news", Counting()).add(
            [Example.from_mentions(EXAMPLES[2].text, {"pronoun": ["Nobody"]})]
        ),
        "remove": lambda stores: stores.open("news").delete([stores.open("news").snapshot().examples[0].id]),
        "note": lambda stores: stores.open("news").note("threshold", 0.75),
        "delete": lambda stores: stores.delete("法律"),
        "rename": lambda stores: stores.rename("news", "reports"),
        "create": lambda stores: stores.open("more", Counting(), create=True),
    }
    return changes[name]


@pytest.mark.parametrize("change", ["add", "replace", "remove", "note", "delete", "rename", "create"])
def test_what_another_process_writes_is_seen(folder: Path, opened: Opened, change: str) -> None:
    reader = open_stores(folder)
    before = content(reader)
    writes(change)(open_stores(folder))
    after = fresh(folder)
    assert after != before
    assert content(open_stores(folder)) == after
    assert content(reader) == after
    content(open_stores(folder))
    opened()
    assert content(open_stores(folder)) == after
    assert opened() == 0


def test_a_store_that_nobody_wrote_is_still_known(folder: Path, opened: Opened) -> None:
    before = store_content(open_stores(folder).open("法律"))
    open_stores(folder).open("news", Counting()).add([Example.from_mentions("Bob is new.", {})])
    opened()
    assert store_content(open_stores(folder).open("法律")) == before
    assert opened() == 0
    assert len(open_stores(folder).open("news").snapshot()) == 4
    assert opened() == 1


def test_what_other_programs_write_is_seen(folder: Path) -> None:
    content(open_stores(folder))
    client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
    (name,) = [each.name for each in client.list_collections() if each.metadata["ranit_domain"] == "news"]
    collection = client.get_collection(name, embedding_function=None)
    key = collection.get(include=[])["ids"][0]
    collection.update(ids=[key], embeddings=np.array([[0, 0, 0, 1]], np.float32))
    client.close()
    snapshot = open_stores(folder).open("news").snapshot()
    assert snapshot.vectors[snapshot.row_of_key[key]].tolist() == [0, 0, 0, 1]


def test_a_write_that_fails_leaves_no_copy_of_what_was_before(folder: Path) -> None:
    stores = open_stores(folder)
    before = content(stores)

    def broken() -> Iterator[Example]:
        yield from (Example.from_mentions(f"Sentence {number}.", {}) for number in range(1500))
        raise RuntimeError("the source ends")

    with pytest.raises(RuntimeError):
        stores.open("news", Counting()).add(broken())
    after = fresh(folder)
    assert after != before
    assert content(open_stores(folder)) == after
    assert open_stores(folder).open("news").unfinished


def test_to_open_chroma_for_reading_keeps_what_was_kept(folder: Path, opened: Opened) -> None:
    before = content(open_stores(folder))
    opened()
    assert len([each for each in open_stores(folder).open("news").records() if isinstance(each, Example)]) == 3
    assert opened() == 1
    assert content(open_stores(folder)) == before
    assert opened() == 0


def test_a_directory_that_was_copied_is_read_anew(folder: Path, opened: Opened) -> None:
    before = content(open_stores(folder))
    shutil.copytree(folder, folder.with_name("copied"))
    opened()
    assert content(open_stores(folder.with_name("copied"))) == before
    assert opened() > 0


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "other", "gone", "version 0"])
def test_copies_that_are_damaged_change_nothing(folder: Path, damage: str) -> None:
    before = content(open_stores(folder))
    for path in (folder / COPY_FOLDER).iterdir():
        kept = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "other":
            path.write_bytes(max((each.read_bytes() for each in path.parent.iterdir()), key=len))
        elif damage == "version 0":
            np.savez(path, manifest=np.frombuffer(b'{"format": 0}', np.uint8), records=np.zeros(1, np.uint8))
        else:
            middle = len(kept) // 2
            broken = {"empty": b"", "short": kept[:middle]}
            path.write_bytes(broken.get(damage, kept[:middle] + bytes([kept[middle] ^ 255]) + kept[middle + 1 :]))
    assert content(open_stores(folder)) == before


def test_a_folder_that_cannot_be_written_costs_time_alone(folder: Path, opened: Opened) -> None:
    before = content(open_stores(folder))
    shutil.rmtree(folder / COPY_FOLDER)
    (folder / COPY_FOLDER).write_text("no folder")
    opened()
    assert content(open_stores(folder)) == before
    assert content(open_stores(folder)) == before
    assert opened() > 1


def test_large_stores_are_not_kept_twice(folder: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_copy, "LARGEST", 2)
    shutil.rmtree(folder / COPY_FOLDER)
    content(open_stores(folder))
    opened()
    assert len(open_stores(folder).open("法律").snapshot()) == 1
    assert opened() == 0
    assert len(open_stores(folder).open("news").snapshot()) == 3
    assert opened() == 1


def test_files_of_earlier_versions_are_removed(folder: Path) -> None:
    for number in range(3):
        open_stores(folder).open("news", Counting()).add([Example.from_mentions(f"Text {number}.", {})])
        content(open_stores(folder))
    assert len(list((folder / COPY_FOLDER).iterdir())) == 4  # the manifest, and a file for each store


@pytest.mark.parametrize("listed", [True, False])
def test_what_was_deleted_is_in_no_copy(folder: Path, monkeypatch: pytest.MonkeyPatch, listed: bool) -> None:
    store = open_stores(folder).open("news")
    (secret,) = [each for each in store.snapshot().examples if each.text == EXAMPLES[2].text]
    assert any(b"Nobody is here." in path.read_bytes() for path in (folder / COPY_FOLDER).iterdir())
    with monkeypatch.context() as patch:
        if not listed:
            patch.setattr("ranit_rag.stores.records.list_entries", lambda _: 1 / 0)
        assert store.delete([secret.id]) == 1
    assert not any(b"Nobody is here." in path.read_bytes() for path in (folder / COPY_FOLDER).iterdir())
    assert len(open_stores(folder).open("news").snapshot()) == 2


READER = """
import sys
from pathlib import Path
from ranit_rag.stores import open_stores
version = 0
while not Path(sys.argv[2]).exists():
    store = open_stores(sys.argv[1]).open("news")
    snapshot = store.snapshot()
    assert snapshot.version >= version, (snapshot.version, version)
    assert len(snapshot) == len(store) or snapshot.version != store.version
    version = snapshot.version
"""


def test_processes_that_read_while_others_write_never_go_back(folder: Path, tmp_path: Path) -> None:
    done = tmp_path / "done"
    readers = [subprocess.Popen([sys.executable, "-c", READER, str(folder), str(done)]) for _ in range(2)]
    for number in range(40):
        open_stores(folder).open("news", Counting()).add([Example.from_mentions(f"Text {number}.", {})])
        content(open_stores(folder))
    done.touch()
    assert [reader.wait(timeout=60) for reader in readers] == [0, 0]
    assert content(open_stores(folder)) == fresh(folder)
    assert len(open_stores(folder).open("news")) == 43


def test_a_store_that_is_damaged_is_told_in_spite_of_its_copy(folder: Path) -> None:
    content(open_stores(folder))
    database = folder / DATABASE_FILE
    database.write_bytes(database.read_bytes()[:1000])
    with pytest.raises(StoreError):
        content(open_stores(folder))


def test_stores_are_the_same_after_closing_and_where_the_database_was_touched(folder: Path) -> None:
    stores = open_stores(folder)
    assert isinstance(stores, ChromaStores)
    before = content(stores)
    stores.close()
    assert content(stores) == before
    os.utime(folder / DATABASE_FILE)
    stores.close()
    assert content(stores) == before
