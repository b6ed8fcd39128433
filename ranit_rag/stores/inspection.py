"""What may be wrong with a store: writes cut off, damaged records, vectors that are not of its embedding model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from ranit_rag.errors import RanitError
from ranit_rag.stores.base import Embedder, ExampleStore, StoreSet
from ranit_rag.stores.checks import check_embedder
from ranit_rag.stores.snapshot import Snapshot
from ranit_rag.types import Example

SAMPLED = 8  # examples that are embedded again
LEAST_COSINE = 0.98  # between two embeddings of a text by one model, over half precision and other hardware


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a store, and what to do about it."""

    store: str
    kind: Literal["unusable", "unfinished", "record", "embedding", "contamination"]
    message: str
    hint: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def inspect(stores: StoreSet, name: str, embedder_named: Callable[[str], Embedder]) -> Iterator[Problem]:
    """The problems of a store, damaged records one by one. Raises StoreError where there is no such store."""
    if name not in stores.names():
        stores.open(name)  # raises, and names those that there are
    try:
        store = stores.open(name)
        if store.unfinished:
            yield Problem(name, "unfinished", store.unfinished, "import the same file again")
        damaged = [record for record in store.records() if not isinstance(record, Example)]
        yield from (Problem(name, "record", error.message, error.hint) for error in damaged)
        if not damaged:
            snapshot = store.snapshot()
            yield from _embedding_problems(store, snapshot, embedder_named)
    except RanitError as error:
        yield Problem(name, "unusable", error.message, error.hint)


def _embedding_problems(
    store: ExampleStore, snapshot: Snapshot, embedder_named: Callable[[str], Embedder]
) -> Iterator[Problem]:
    """Whether the model to use is that of the store, and gives the vectors that the store holds."""
    try:
        embedder = embedder_named(store.embedding.name)
        check_embedder(store.name, store.embedding, embedder)
    except RanitError as error:
        yield Problem(store.name, "embedding", error.message, error.hint)
        return
    if not len(snapshot):
        return
    rows = np.unique(np.linspace(0, len(snapshot) - 1, SAMPLED).astype(int))
    again = embedder.embed([snapshot.examples[row].text for row in rows])
    wrong = int(np.sum(np.sum(again * snapshot.vectors[rows], axis=1) < LEAST_COSINE))
    if wrong:
        yield Problem(
            store.name,
            "embedding",
            f"{wrong} of {len(rows)} vectors that were tried are not what {embedder.name!r} gives for their texts",
            "export the store, delete it, and import the examples again",
        )
