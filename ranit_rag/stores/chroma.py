"""Stores in Chroma, one collection for each domain.

Chroma keeps the examples; searches run on a snapshot in memory, which is faster than its index and exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ranit_rag.errors import StoreError
from ranit_rag.stores import records
from ranit_rag.stores.base import AddReport, Embedder, Embedding, Progress
from ranit_rag.stores.checks import check_embedder, check_name, missing_store, needs_embedder, store_exists
from ranit_rag.stores.collection import CollectionWrite
from ranit_rag.stores.places import Place
from ranit_rag.stores.records import Entry, Header
from ranit_rag.stores.snapshot import Snapshot, Vectors
from ranit_rag.stores.writing import Batch, next_version, write_batches
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import Example

if TYPE_CHECKING:
    from chromadb.api.client import Client

BATCH = 1000
MIRRORED_ROWS = 2000  # a write of no more rows also changes the snapshot in memory; others make it be read anew
READS = 3


class ChromaStores:
    """A ``StoreSet`` in Chroma; ``open_stores`` makes one from a directory or a URL."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._stores: dict[str, ChromaStore] = {}
        self._catalog: tuple[object, Mapping[str, Entry]] | None = None
        self._writes = 0

    def __repr__(self) -> str:
        return f"ChromaStores({self.place})"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.stores.cards import stores_html

        return stores_html(self)

    def names(self) -> list[str]:
        return sorted(self._entries())

    def open(self, name: str, embedder: Embedder | None = None, *, create: bool = False) -> ChromaStore:
        name = check_name(name)
        if create and name not in self._entries():
            self._create(name, embedder)
        entry = self.entry(name)
        if entry.problem:
            raise StoreError(
                f"store {name!r} at {self.place} cannot be used: {entry.problem}",
                hint=f"delete the Chroma collection {entry.collection!r} and import the examples again",
            )
        store = self._stores.setdefault(name, ChromaStore(self, name))
        if embedder is not None:
            check_embedder(name, entry.header.embedding, embedder)
            store.embedder = embedder
        return store

    def _create(self, name: str, embedder: Embedder | None) -> None:
        if embedder is None:
            raise needs_embedder(name)
        header = Header(name, Embedding(embedder.name, embedder.dimension), next_version(0))
        with self.writing() as client, self.place.guard():
            if name not in records.list_entries(client):  # somebody else may have been faster
                client.create_collection(
                    records.collection_name(name),
                    metadata=header.to_metadata(),
                    configuration=records.INDEX,
                    embedding_function=None,
                )

    def delete(self, name: str) -> None:
        entry = self.entry(name)
        with self.writing() as client, self.place.guard():
            client.delete_collection(entry.collection)
        self._stores.pop(entry.header.domain, None)

    def rename(self, old: str, new: str) -> None:
        entry, new = self.entry(old), check_name(new)
        with self.writing() as client, self.place.guard():
            if new in records.list_entries(client):
                raise store_exists(new)
            collection = client.get_collection(entry.collection, embedding_function=None)
            header = Header.from_metadata(collection.metadata)
            header = replace(header, domain=new, version=next_version(header.version))
            collection.modify(name=records.collection_name(new), metadata=header.to_metadata())
        if (store := self._stores.pop(entry.header.domain, None)) is not None:
            store.name = new
            self._stores[new] = store

    def close(self) -> None:
        self._stores.clear()
        self._catalog = None
        self.place.close()

    def entry(self, name: str) -> Entry:
        """What is known of a store. Raises StoreError where there is none."""
        entries = self._entries()
        if (name := check_name(name)) not in entries:
            raise missing_store(name, entries)
        return entries[name]

    def forget(self) -> None:
        """Look at the place again before the next answer."""
        self._catalog = None

    def _entries(self) -> Mapping[str, Entry]:
        """What is at the place, listed again only when somebody may have written. Not to be called within a session."""
        stamp = (self._writes, self.place.stamp())
        if self._catalog is None or self._catalog[0] != stamp:
            entries = self.place.copy.entries() if self.place.copy else None
            if entries is None:
                entries = {}
                if self.place.exists:
                    with self.place.session() as client, self.place.guard():
                        entries = self._listed(client)
            self._catalog = catalog = (stamp, entries)
            return catalog[1]
        return self._catalog[1]

    @contextmanager
    def writing(self) -> Iterator[Client]:
        """A session whose end lets everybody see that something was written, and that looks at the place once more."""
        with self.place.session() as client:
            try:
                yield client
            finally:
                self._writes += 1
                with self.place.guard():
                    self.place.written()
            # What was written is asked for next, and would open another client; if this fails, it still does.
            with suppress(StoreError), self.place.guard():
                self._catalog = ((self._writes, self.place.stamp()), self._listed(client))

    def _listed(self, client: Client) -> Mapping[str, Entry]:
        """What is at the place, asked of Chroma, and kept for the next process."""
        entries = records.list_entries(client)
        if self.place.copy:
            self.place.copy.listed(entries)
        return entries


class ChromaStore:
    """An ``ExampleStore`` in a Chroma collection; ``ChromaStores.open`` makes them."""

    def __init__(self, stores: ChromaStores, name: str) -> None:
        self.name = name
        self.embedder: Embedder | None = None
        self._stores = stores
        self._snapshot: Snapshot | None = None

    def __repr__(self) -> str:
        return f"ChromaStore({self.name!r} at {self._stores.place})"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.stores.cards import store_html

        return store_html(self)

    @property
    def _header(self) -> Header:
        return self._stores.entry(self.name).header

    @property
    def embedding(self) -> Embedding:
        return self._header.embedding

    @property
    def version(self) -> int:
        return self._header.version

    @property
    def unfinished(self) -> str:
        begun = sorted(self._header.writing.values())
        return f"a write that began at {begun[0]} has not ended: run it again to complete it" if begun else ""

    @property
    def notes(self) -> Mapping[str, Any]:
        return self._header.notes

    def note(self, key: str, value: Any) -> None:
        def change(header: Header) -> Header:
            notes = {name: kept for name, kept in {**header.notes, key: value}.items() if kept is not None}
            return replace(header, notes=notes)

        with self._write("") as write:
            write.update(change)

    def __len__(self) -> int:
        snapshot, entry = self._snapshot, self._stores.entry(self.name)
        if snapshot is not None and snapshot.version == entry.header.version:
            return len(snapshot)
        with self._stores.place.session() as client, self._stores.place.guard():
            return int(client.get_collection(entry.collection, embedding_function=None).count())

    def add(
        self,
        examples: Iterable[Example],
        *,
        vectors: Iterable[Vectors] | None = None,
        on_progress: Progress | None = None,
    ) -> AddReport:
        rest = iter(examples)
        first = next(rest, None)
        if first is None:
            return AddReport()
        mirrored: dict[str, tuple[Example, Vectors]] = {}
        rows = 0
        with self._write(text_fingerprint(first.text)) as write:
            before = write.header.version

            def put(batch: Batch) -> None:
                nonlocal rows
                write.put(batch)
                rows += len(batch.keys)
                if rows <= MIRRORED_ROWS:
                    named = (replace(example, domain=self.name) for example in batch.examples)
                    mirrored.update(zip(batch.keys, zip(named, batch.vectors, strict=True), strict=True))

            report = write_batches(
                chain([first], rest),
                vectors,
                embedding=write.header.embedding,
                embedder=self.embedder,
                size=BATCH,
                existing=write.existing,
                put=put,
                on_progress=on_progress,
            )
            if write.finish() and rows <= MIRRORED_ROWS:
                self._mirror(before, write, put=mirrored)
        return report

    def delete(self, ids: Iterable[str]) -> int:
        wanted = sorted(set(ids))
        if not wanted:
            return 0
        with self._write(wanted[0]) as write:
            before = write.header.version
            keys = write.delete(wanted)
            if write.finish():
                self._mirror(before, write, removed=keys)
        return len(keys)

    def snapshot(self) -> Snapshot:
        snapshot = self._snapshot
        if snapshot is None or snapshot.version != self.version:
            copy = self._stores.place.copy
            snapshot = copy.snapshot(self._stores.entry(self.name)) if copy else None
            if snapshot is None:
                return self._ask()
            self._snapshot = snapshot
        return snapshot

    def _ask(self) -> Snapshot:
        """What Chroma says, unless another thread has just asked."""
        with self._stores.place.session() as client:
            snapshot = self._snapshot
            if snapshot is None or snapshot.version != self.version:
                snapshot = self._snapshot = self._read(client)
            return snapshot

    def records(self) -> Iterator[Example | StoreError]:
        entry = self._stores.entry(self.name)
        with self._stores.place.session() as client, self._stores.place.guard():
            yield from records.read_each(client.get_collection(entry.collection, embedding_function=None), self.name)

    def _read(self, client: Client) -> Snapshot:
        entry = self._stores.entry(self.name)
        for _ in range(READS):
            with self._stores.place.guard():
                collection = client.get_collection(entry.collection, embedding_function=None)
                header = Header.from_metadata(collection.metadata)
                keys, examples, vectors = records.read_all(collection, header)
                now = client.get_collection(entry.collection, embedding_function=None).metadata
            if Header.from_metadata(now).version == header.version:
                if header.version != self.version:
                    self._stores.forget()
                snapshot = Snapshot(header.version, tuple(keys), tuple(examples), vectors)
                if self._stores.place.copy:
                    self._stores.place.copy.read(entry, snapshot)
                return snapshot
        raise StoreError(f"store {self.name!r} was changed {READS} times while it was read", hint="try again")

    @contextmanager
    def _write(self, mark: str) -> Iterator[CollectionWrite]:
        entry = self._stores.entry(self.name)
        with self._stores.writing() as client:
            write = CollectionWrite(self._stores.place, client, entry.collection, mark)
            if self.embedder is not None:
                check_embedder(self.name, write.header.embedding, self.embedder)
            yield write

    def _mirror(
        self,
        before: int,
        write: CollectionWrite,
        *,
        put: Mapping[str, tuple[Example, Vectors]] | None = None,
        removed: Iterable[str] = (),
    ) -> None:
        """Make a finished write to the snapshot in memory, too, if that was up to date before it."""
        snapshot = self._snapshot
        if snapshot is not None and snapshot.version == before != write.header.version:
            self._snapshot = snapshot.changed(write.header.version, put=put, removed=removed)
