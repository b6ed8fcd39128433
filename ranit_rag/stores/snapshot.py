"""A store as it was at one version: its examples and vectors, in memory and immutable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranit_rag.stores.nearest import EXACT_UP_TO, SignCodes, Vectors, nearest
from ranit_rag.types import Example

__all__ = ["Neighbours", "Snapshot", "Vectors"]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest rows of a snapshot for each query, best first; all queries have ``min(k, len(snapshot))`` of them.

    ``rows``: intp ``[q, k]``, positions in ``Snapshot.examples``. ``similarities``: float32 ``[q, k]``, cosines.
    """

    rows: NDArray[np.intp]
    similarities: NDArray[np.float32]


class Snapshot:
    """Row ``i`` of ``vectors`` (float32 ``[n, d]``, rows of length 1, read-only) embeds ``examples[i]``.

    ``keys`` are the fingerprints of the texts, under which the store keeps the examples.
    """

    def __init__(self, version: int, keys: tuple[str, ...], examples: tuple[Example, ...], vectors: Vectors) -> None:
        vectors.flags.writeable = False
        self.version = version
        self.keys = keys
        self.examples = examples
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def row_of_key(self) -> Mapping[str, int]:
        return {key: row for row, key in enumerate(self.keys)}

    @cached_property
    def row_of_id(self) -> Mapping[str, int]:
        return {example.id: row for row, example in enumerate(self.examples)}

    @cached_property
    def _codes(self) -> SignCodes | None:
        return SignCodes(self.vectors) if len(self) > EXACT_UP_TO else None

    def get(self, ids: Iterable[str]) -> list[Example]:
        """The examples with these ids, in their order; unknown ids are left out."""
        rows = self.row_of_id
        return [self.examples[rows[i]] for i in ids if i in rows]

    def nearest(self, queries: Vectors, k: int) -> Neighbours:
        """The neighbours of ``queries`` (``[q, d]``, rows of length 1).

        Similarities are always exact. Up to 20,000 examples so are the neighbours; above, a few in a thousand of a pool
        of 128 may be missed, the very nearest practically never (see ``nearest``).
        """
        found = [nearest(self.vectors, self._codes, query, k) for query in np.asarray(queries, dtype=np.float32)]
        width = min(max(k, 0), len(self))
        rows = np.array([rows for rows, _ in found], dtype=np.intp).reshape(len(found), width)
        similarities = np.array([cosines for _, cosines in found], dtype=np.float32).reshape(len(found), width)
        return Neighbours(rows, similarities)

    def changed(
        self,
        version: int,
        *,
        put: Mapping[str, tuple[Example, Vectors]] | None = None,
        removed: Iterable[str] = (),
    ) -> Snapshot:
        """The snapshot after a write: with ``put`` under its keys, without the keys ``removed``."""
        put = put or {}
        gone = {*put, *removed}
        kept = [row for row, key in enumerate(self.keys) if key not in gone]
        vectors = self.vectors if len(kept) == len(self) else self.vectors[kept]
        if put:
            vectors = np.concatenate([vectors, np.stack([vector for _, vector in put.values()])])
        keys = (*(self.keys[row] for row in kept), *put)
        examples = (*(self.examples[row] for row in kept), *(example for example, _ in put.values()))
        return Snapshot(version, keys, examples, vectors)
