"""Adding examples to a store by its name alone: its embedder is found, and a store that is not there is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

from ranit_rag.retrieval.embedding import default_embedder, load_embedder
from ranit_rag.stores.base import AddReport, ExampleStore, Progress, StoreSet
from ranit_rag.stores.checks import check_name
from ranit_rag.text import detect_language
from ranit_rag.types import Example


def open_to_fill(stores: StoreSet, name: str, *, language: str, embedder: str | None = None) -> ExampleStore:
    """The store of a domain, ready to be added to; a new one gets ``embedder``, else the default of the language.

    Raises StoreError, as where the store is pinned to another embedder than the one named.
    """
    name = check_name(name)
    if name not in stores.names():
        return stores.open(name, load_embedder(embedder) if embedder else default_embedder(language), create=True)
    store = stores.open(name)
    if embedder is None and getattr(store, "embedder", None) is not None:
        return store
    return stores.open(name, load_embedder(embedder or store.embedding.name))


def fill(stores: StoreSet, name: str, examples: Iterable[Example]) -> AddReport:
    """Add examples to the store of a domain. They take its name, and their texts' language where they have none."""
    name = check_name(name)
    completed = [
        replace(example, domain=name, language=example.language or detect_language(example.text))
        for example in examples
    ]
    if not completed:
        return AddReport()
    return open_to_fill(stores, name, language=completed[0].language).add(completed)


class Destination:
    """An ``ImportTarget`` that is opened, or made, when it is given its first example.

    A new store gets ``embedder``, else the default of its first example's language; ``on_made`` is told of it.
    """

    def __init__(
        self,
        stores: StoreSet,
        name: str,
        embedder: str | None = None,
        *,
        on_made: Callable[[ExampleStore], None] = lambda _: None,
    ) -> None:
        self.name = check_name(name)
        self._stores = stores
        self._embedder = embedder
        self._on_made = on_made

    def add(self, examples: Iterable[Example], *, on_progress: Progress | None = None) -> AddReport:
        rest = iter(examples)
        first = next(rest, None)
        if first is None:
            return AddReport()
        there = self.name in self._stores.names()
        store = open_to_fill(self._stores, self.name, language=first.language, embedder=self._embedder)
        if not there:
            self._on_made(store)
        return store.add(chain([first], rest), on_progress=on_progress)
