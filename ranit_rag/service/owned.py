"""The stores that a key owns, as if there were no others."""

from __future__ import annotations

from ranit_rag.stores.base import Embedder, ExampleStore, StoreSet
from ranit_rag.stores.checks import check_name, missing_store


class OwnedStores:
    """A ``StoreSet`` of some of the stores of another, which its owner may create but not name anew."""

    def __init__(self, stores: StoreSet, owned: frozenset[str]) -> None:
        self._stores = stores
        self._owned = frozenset(name.strip() for name in owned)

    def names(self) -> list[str]:
        return [name for name in self._stores.names() if name in self._owned]

    def open(self, name: str, embedder: Embedder | None = None, *, create: bool = False) -> ExampleStore:
        return self._stores.open(self._mine(name), embedder, create=create)

    def delete(self, name: str) -> None:
        self._stores.delete(self._mine(name))

    def rename(self, old: str, new: str) -> None:
        self._stores.rename(self._mine(old), self._mine(new))

    def close(self) -> None:
        """The set that they are of stays open: it is not theirs."""

    def _mine(self, name: str) -> str:
        """The name, where it is owned. Raises StoreError as where there is no such store: nobody learns of others'."""
        name = check_name(name)
        if name not in self._owned:
            raise missing_store(name, self.names())
        return name
