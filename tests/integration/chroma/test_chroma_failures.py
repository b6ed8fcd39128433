"""Servers that die, directories that break, processes that meet: a clear error each, and the store unharmed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings

from ranit_rag.errors import StoreError
from ranit_rag.stores import open_stores
from ranit_rag.stores.base import AddReport, Embedder, store_stats
from ranit_rag.stores.chroma import ChromaStores
from ranit_rag.stores.places import Directory, Server
from ranit_rag.types import Example


def examples(count: int) -> Iterator[Example]:
    for number in range(count):
        yield Example.from_mentions(f"Sentence {number} of Berlin.", {"city": ["Berlin"]})


def chroma_client(path: Path) -> chromadb.api.client.Client:
    return chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))


def test_a_server_killed_in_an_import_loses_and_doubles_nothing(own_server, embedder: Embedder) -> None:
    stores = ChromaStores(Server(own_server.url, refresh=0))
    store = stores.open("news", embedder, create=True)

    def dying() -> Iterator[Example]:
        for number, example in enumerate(examples(5000)):
            if number == 3500:
                own_server.kill()
            yield example

    with pytest.raises(StoreError, match=own_server.url) as caught:
        store.add(dying())
    assert "run again" in caught.value.hint
    own_server.start()
    assert len(store) == 3000
    assert "run it again" in store.unfinished
    assert store.add(examples(5000)) == AddReport(added=2000, present=3000)
    assert store.unfinished == ""
    assert sorted(e.text for e in store.snapshot().examples) == sorted(e.text for e in examples(5000))


def test_a_server_that_is_not_there_is_named(embedder: Embedder) -> None:
    stores = open_stores("http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
        stores.names()
    for wrong in ("ftp://x", "http://host/path", "http://"):
        with pytest.raises(StoreError, match="not the URL"):
            open_stores(wrong)


def test_tenant_and_database_part_the_stores(chroma_server, embedder: Embedder) -> None:
    settings = Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host="127.0.0.1",
        chroma_server_http_port=chroma_server.port,
    )
    admin = chromadb.AdminClient(settings)
    admin.create_tenant("ours")
    admin.create_database("ours-db", tenant="ours")
    ours = open_stores(chroma_server.url, tenant="ours", database="ours-db", headers={"X-Team": "ner"})
    ours.open("only here", embedder, create=True).add(examples(3))
    assert ours.names() == ["only here"]
    assert "only here" not in open_stores(chroma_server.url).names()
    with pytest.raises(StoreError, match="nobody"):
        open_stores(chroma_server.url, tenant="nobody").names()


def test_what_another_client_writes_is_seen(chroma_server, embedder: Embedder) -> None:
    one, two = (ChromaStores(Server(chroma_server.url, refresh=0)) for _ in range(2))
    mine = one.open("shared domain", embedder, create=True)
    mine.add(examples(3))
    theirs = two.open("shared domain", embedder)
    assert len(theirs.snapshot()) == 3
    mine.add([Example("A correction.")])
    assert len(theirs.snapshot()) == 4
    theirs.delete([e.id for e in theirs.snapshot().examples[:2]])
    assert len(mine.snapshot()) == 2
    one.delete("shared domain")


def test_two_processes_take_turns_in_one_directory(tmp_path: Path, embedder: Embedder) -> None:
    """Each adds its own examples while the other does; nothing is lost, and a long-lived process sees it all."""
    store = open_stores(tmp_path / "stores").open("news", embedder, create=True)
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import HashEmbedder
from ranit_rag.stores import open_stores
from ranit_rag.types import Example
store = open_stores({str(tmp_path / "stores")!r}).open("news", HashEmbedder())
for number in range(10):
    store.add([Example(f"{{sys.argv[1]}} wrote {{number}}.")])
"""
    writers = [subprocess.Popen([sys.executable, "-c", script, name]) for name in ("Ann", "Bob")]
    for number in range(10):
        store.add([Example(f"I wrote {number}.")])
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    texts = {e.text for e in store.snapshot().examples}
    assert texts == {f"{who} wrote {number}." for who in ("Ann", "Bob", "I") for number in range(10)}
    assert np.isfinite(store.snapshot().vectors).all()


def test_a_process_that_holds_the_directory_is_named(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "stores"
    open_stores(path).open("news", embedder, create=True).add(examples(3))
    held = ChromaStores(Directory(path))
    script = f"""
from pathlib import Path
from ranit_rag.errors import StoreError
from ranit_rag.stores.chroma import ChromaStores
from ranit_rag.stores.places import Directory
try:
    ChromaStores(Directory(Path({str(path)!r}), patience=0.5)).names()
except StoreError as error:
    print(error, error.hint, sep="|")
"""
    with held.place.session():
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    message, hint = result.stdout.strip().split("|")
    assert f"process {os.getpid()}" in message
    assert str(path) in message
    assert "wait" in hint


def test_a_process_killed_in_an_import_leaves_a_mark_and_the_retry_completes(
    tmp_path: Path, embedder: Embedder
) -> None:
    path = tmp_path / "stores"
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import HashEmbedder
from test_chroma_failures import examples
from ranit_rag.stores import open_stores
def slow():
    for number, example in enumerate(examples(5000)):
        if number == 2500:
            print("half", flush=True)
            time.sleep(60)
        yield example
open_stores({str(path)!r}).open("news", HashEmbedder(), create=True).add(slow())
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    store = open_stores(path).open("news", embedder)
    assert len(store.snapshot()) == 2000
    assert "has not ended" in store_stats(store).unfinished
    store.add([Example("Another write does not hide it.")])
    assert store.unfinished
    assert store.add(examples(5000)) == AddReport(added=3000, present=2000)
    assert store.unfinished == ""
    assert len(store.snapshot()) == 5001


@pytest.fixture
def filled(tmp_path: Path, embedder: Embedder) -> Path:
    path = tmp_path / "stores"
    open_stores(path).open("news", embedder, create=True).add(examples(1500))
    return path


def damage_database(path: Path) -> None:
    database = path / "chroma.sqlite3"
    os.truncate(database, database.stat().st_size // 3)


def overwrite_database(path: Path) -> None:
    (path / "chroma.sqlite3").write_bytes(b"not a database " * 1000)


def lose_index(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)


def lose_database(path: Path) -> None:
    (path / "chroma.sqlite3").unlink()


def blank_vectors(path: Path) -> None:
    file = next(path.glob("*/data_level0.bin"))
    file.write_bytes(bytes(file.stat().st_size))


@pytest.mark.parametrize("harm", [damage_database, overwrite_database, lose_index, lose_database, blank_vectors])
def test_a_damaged_directory_is_an_error_with_a_remedy(filled: Path, harm) -> None:
    harm(filled)
    with pytest.raises(StoreError) as caught:
        open_stores(filled).open("news").snapshot()
    assert caught.value.hint
    assert str(filled) in str(caught.value) or "news" in str(caught.value)


def test_a_place_that_is_no_store_directory(tmp_path: Path, embedder: Embedder) -> None:
    (tmp_path / "letter.txt").write_text("Dear …")
    with pytest.raises(StoreError, match=r"letter\.txt"):
        open_stores(tmp_path).open("news", embedder, create=True)
    with pytest.raises(StoreError, match="holds other files"):
        open_stores(tmp_path).names()
    for wrong in (tmp_path / "letter.txt", tmp_path / "letter.txt" / "stores", Path("/dev/null/stores")):
        with pytest.raises(StoreError, match="cannot use"):
            open_stores(wrong).open("news", embedder, create=True)
    assert open_stores(tmp_path / "nowhere").names() == []
    assert not (tmp_path / "nowhere").exists(), "looking must not make a directory"


def test_another_space_is_refused(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "stores"
    stores = open_stores(path)
    stores.open("news", embedder, create=True)
    client = chroma_client(path)
    (collection,) = client.list_collections()
    name, metadata = collection.name, dict(collection.metadata)
    client.delete_collection(name)
    client.create_collection(name, metadata=metadata, embedding_function=None)  # Chroma's default space is l2
    client.close()
    with pytest.raises(StoreError, match="l2, not cosine") as caught:
        open_stores(path).open("news", embedder)
    assert name in caught.value.hint


def test_collections_of_others_are_left_alone(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "stores"
    open_stores(path).open("news", embedder, create=True)
    client = chroma_client(path)
    client.create_collection("somebody-elses", embedding_function=None)
    client.close()
    stores = open_stores(path)
    assert stores.names() == ["news"]
    with pytest.raises(StoreError, match="no store"):
        stores.open("somebody-elses")


def test_a_damaged_header_is_told(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "stores"
    open_stores(path).open("news", embedder, create=True)
    client = chroma_client(path)
    client.list_collections()[0].modify(metadata={"ranit_domain": "news", "ranit_version": "x"})
    client.close()
    with pytest.raises(StoreError, match="header is damaged"):
        open_stores(path).open("news")


def test_threads_write_and_read_at_the_same_time(tmp_path: Path, embedder: Embedder) -> None:
    stores = open_stores(tmp_path / "stores")
    store = stores.open("news", embedder, create=True)

    def write(number: int) -> int:
        store.add([Example(f"Thread text {number}.")])
        return len(store.snapshot())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(20)))
    assert len(store.snapshot()) == 20


def test_what_can_be_read_of_a_damaged_store_is_read(filled: Path) -> None:
    """Broken records are told one by one, and a lost index does not keep the texts from being copied out."""
    client = chroma_client(filled)
    collection = client.list_collections()[0]
    broken = collection.get(limit=3)["ids"]
    wrong = [
        {"ranit_example": "{"},
        {"ranit_example": "{}"},
        {"ranit_example": '{"entities": [[9000, 9001, "person"]]}'},
    ]
    collection.update(ids=broken, metadatas=wrong)
    client.close()
    blank_vectors(filled)
    records = list(open_stores(filled).open("news").records())
    errors = [record for record in records if isinstance(record, StoreError)]
    assert len(records) == 1500
    assert sorted(key for key in broken if any(key in error.message for error in errors)) == sorted(broken)
