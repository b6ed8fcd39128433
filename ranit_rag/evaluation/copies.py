"""Copies of stores in memory, with their vectors, to add to and to take from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ranit_rag.errors import StoreError
from ranit_rag.stores.base import ExampleStore, StoreSet
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.stores.snapshot import Vectors

_NONE: Mapping[str, Collection[int]] = MappingProxyType({})


def copied(stores: StoreSet, *, without: Mapping[str, Collection[int]] = _NONE) -> MemoryStores:
    """All examples of all stores, but for the rows of ``without`` (positions in a store's snapshot)."""
    copies = MemoryStores()
    for name in stores.names():
        store = stores.open(name)
        whole = store.snapshot()
        left_out = without.get(name, ())
        kept = np.array([row for row in range(len(whole)) if row not in left_out], dtype=np.intp)
        copy = copies.open(name, _Pinned(store), create=True)
        copy.add([whole.examples[row] for row in kept], vectors=whole.vectors[kept])
    return copies


class _Pinned:
    """Stands for the embedder of copies that bring their vectors."""

    def __init__(self, store: ExampleStore) -> None:
        self.name = store.embedding.name
        self.dimension = store.embedding.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise StoreError(f"{len(texts)} texts without vectors", hint="a copy embeds nothing")
