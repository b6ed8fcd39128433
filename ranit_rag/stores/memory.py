"""Stores that live in memory: for tests, notebooks and small uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ranit_rag.stores.base import AddReport, Embedder, Embedding, Progress
from ranit_rag.stores.checks import check_embedder, check_name, missing_store, needs_embedder, store_exists
from ranit_rag.stores.snapshot import Snapshot, Vectors
from ranit_rag.stores.writing import Batch, next_version, write_batches
from ranit_rag.types import Example

BATCH = 1000


class MemoryStore:
    """An ``ExampleStore`` in memory; ``MemoryStores.open`` makes them."""

    unfinished = ""

    def __init__(self, name: str, embedder: Embedder) -> None:
        self.name = name
        self.embedding = Embedding(embedder.name, embedder.dimension)
        self.embedder: Embedder = embedder
        self.notes: dict[str, Any] = {}
        self._lock = threading.RLock()
        empty = np.empty((0, embedder.dimension), dtype=np.float32)
        self._snapshot = Snapshot(next_version(0), (), (), empty)

    def __repr__(self) -> str:
        return f"MemoryStore({self.name!r}, {len(self)} examples)"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.stores.cards import store_html

        return store_html(self)

    @property
    def version(self) -> int:
        return self._snapshot.version

    def __len__(self) -> int:
        return len(self._snapshot)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def note(self, key: str, value: Any) -> None:
        kept = {**self.notes, key: json.loads(json.dumps(value))}
        self.notes = {name: item for name, item in kept.items() if item is not None}

    def add(
        self,
        examples: Iterable[Example],
        *,
        vectors: Iterable[Vectors] | None = None,
        on_progress: Progress | None = None,
    ) -> AddReport:
        written: dict[str, tuple[Example, Vectors]] = {}

        def existing(keys: Sequence[str]) -> Mapping[str, Example]:
            rows = self._snapshot.row_of_key
            return {key: self._snapshot.examples[rows[key]] for key in keys if key in rows}

        def put(batch: Batch) -> None:
            for key, example, vector in zip(batch.keys, batch.examples, batch.vectors, strict=True):
                written[key] = (replace(example, domain=self.name), vector)

        with self._lock:
            report = write_batches(
                examples,
                vectors,
                embedding=self.embedding,
                embedder=self.embedder,
                size=BATCH,
                existing=existing,
                put=put,
                on_progress=on_progress,
            )
            if written:
                self._snapshot = self._snapshot.changed(next_version(self.version), put=written)
            return report

    def delete(self, ids: Iterable[str]) -> int:
        with self._lock:
            wanted = set(ids)
            keys = [key for key, e in zip(self._snapshot.keys, self._snapshot.examples, strict=True) if e.id in wanted]
            if keys:
                self._snapshot = self._snapshot.changed(next_version(self.version), removed=keys)
            return len(keys)

    def records(self) -> Iterator[Example]:
        return iter(self._snapshot.examples)

    def rename(self, name: str) -> None:
        with self._lock:
            old = self._snapshot
            examples = tuple(replace(example, domain=name) for example in old.examples)
            self.name = name
            self._snapshot = Snapshot(next_version(old.version), old.keys, examples, old.vectors)


class MemoryStores:
    """A ``StoreSet`` in memory."""

    def __init__(self) -> None:
        self._stores: dict[str, MemoryStore] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"MemoryStores({self.names()})"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.stores.cards import stores_html

        return stores_html(self)

    def names(self) -> list[str]:
        return sorted(self._stores)

    def open(self, name: str, embedder: Embedder | None = None, *, create: bool = False) -> MemoryStore:
        name = check_name(name)
        with self._lock:
            store = self._stores.get(name)
            if store is None:
                if not create:
                    raise missing_store(name, self._stores)
                if embedder is None:
                    raise needs_embedder(name)
                store = self._stores[name] = MemoryStore(name, embedder)
            elif embedder is not None:
                check_embedder(name, store.embedding, embedder)
                store.embedder = embedder
            return store

    def delete(self, name: str) -> None:
        with self._lock:
            if self._stores.pop(name.strip(), None) is None:
                raise missing_store(name, self._stores)

    def rename(self, old: str, new: str) -> None:
        new = check_name(new)
        with self._lock:
            store = self._stores.get(old.strip())
            if store is None:
                raise missing_store(old, self._stores)
            if new in self._stores:
                raise store_exists(new)
            store.rename(new)
            self._stores[new] = self._stores.pop(old.strip())

    def close(self) -> None:
        self._stores.clear()
