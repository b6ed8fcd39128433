"""A write to one Chroma collection: marked in its header before the first change, unmarked after the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from ranit_rag.stores import records
from ranit_rag.stores.places import Place
from ranit_rag.stores.records import Header
from ranit_rag.stores.writing import Batch, next_version
from ranit_rag.types import Example

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

IDS_AT_ONCE = 200  # SQLite limits the variables of a query


class CollectionWrite:
    """Writes inside one session. A write that dies before ``finish`` leaves its mark, which the same write removes.

    ``mark`` tells writes apart. Every method raises StoreError where Chroma fails.
    """

    def __init__(self, place: Place, client: Client, collection: str, mark: str) -> None:
        self._place = place
        self._client = client
        self._name = collection
        self._mark = mark
        self._begun = False
        self._collection, self.header = self._fetch()

    def _fetch(self) -> tuple[Collection, Header]:
        with self._place.guard():
            collection = self._client.get_collection(self._name, embedding_function=None)
            return collection, Header.from_metadata(collection.metadata)

    def update(self, change: Callable[[Header], Header]) -> None:
        """Write the header anew as ``change`` makes it from what stands there now."""
        self._collection, header = self._fetch()
        self.header = change(header)
        with self._place.guard():
            self._collection.modify(metadata=self.header.to_metadata())

    def existing(self, keys: Sequence[str]) -> Mapping[str, Example]:
        with self._place.guard():
            return records.read_existing(self._collection, keys)

    def put(self, batch: Batch) -> None:
        self._begin()
        with self._place.guard():
            records.put_batch(self._collection, batch)

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Remove the examples with these ids and return their keys."""
        remaining, gone = iter(dict.fromkeys(ids)), []
        while chunk := list(islice(remaining, IDS_AT_ONCE)):
            with self._place.guard():
                keys = records.keys_of(self._collection, chunk)
            if keys:
                self._begin()
                with self._place.guard():
                    self._collection.delete(ids=keys)
                gone += keys
        return gone

    def _begin(self) -> None:
        if not self._begun:
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            self.update(
                lambda header: replace(
                    header, version=next_version(header.version), writing={**header.writing, self._mark: now}
                )
            )
            self._begun = True

    def finish(self) -> bool:
        """Unmark what is written now. False where another client wrote to the collection at the same time."""
        if not self._begun and self._mark not in self.header.writing:
            return True
        mine, alone = self.header.version, True

        def unmark(header: Header) -> Header:
            nonlocal alone
            alone = header.version == mine
            writing = {mark: since for mark, since in header.writing.items() if mark != self._mark}
            return replace(header, version=next_version(header.version), writing=writing)

        self.update(unmark)
        return alone
