"""How examples are written to a store of any kind: checked, told apart from what is there, embedded, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from ranit_rag.errors import StoreError
from ranit_rag.stores.base import AddReport, Embedder, Embedding, Progress
from ranit_rag.stores.checks import check_text, unit_rows
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import Example

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples to write, under the fingerprints of their texts; ``vectors`` is float32 ``[n, d]``, rows of length 1."""

    keys: list[str]
    examples: list[Example]
    vectors: Vectors


def write_batches(
    examples: Iterable[Example],
    vectors: Iterable[Vectors] | None,
    *,
    embedding: Embedding,
    embedder: Embedder | None,
    size: int,
    existing: Callable[[Sequence[str]], Mapping[str, Example]],
    put: Callable[[Batch], None],
    on_progress: Progress | None,
) -> AddReport:
    """Give ``put`` what is new or changed. ``existing`` returns what the store has under some of the keys."""
    seen: set[str] = set()
    count = added = replaced = present = 0
    for rows in _batched(_paired(examples, vectors), size):
        count += len(rows)
        fresh: dict[str, tuple[Example, Vectors | None]] = {}
        for example, vector in rows:
            check_text(example)
            key = text_fingerprint(example.text)
            if key not in seen:
                seen.add(key)
                fresh[key] = (example, vector)
        there = existing(list(fresh))
        for key, stored in there.items():
            if same_annotation(stored, fresh[key][0]):
                del fresh[key]
                present += 1
        changed = sum(key in there for key in fresh)
        if fresh:
            kept = [example for example, _ in fresh.values()]
            given = [vector for _, vector in fresh.values() if vector is not None]
            put(Batch(list(fresh), kept, _vectors(kept, given if vectors is not None else None, embedding, embedder)))
        replaced += changed
        added += len(fresh) - changed
        if on_progress is not None:
            on_progress(count)
    return AddReport(added, replaced, present, duplicates=count - len(seen))


def same_annotation(one: Example, other: Example) -> bool:
    """Whether two examples say the same: ids, scores, sources and the order of entities do not matter."""
    return one.text == other.text and _spans(one) == _spans(other)


def _spans(example: Example) -> set[tuple[int, int, str]]:
    return {(e.start, e.end, e.label) for e in example.entities}


def _paired(examples: Iterable[Example], vectors: Iterable[Vectors] | None) -> Iterator[tuple[Example, Vectors | None]]:
    if vectors is None:
        for example in examples:
            yield example, None
        return
    try:
        yield from zip(examples, vectors, strict=True)
    except ValueError as error:
        raise StoreError(f"examples and vectors differ in number: {error}", hint="give one vector for each") from error


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _vectors(
    examples: Sequence[Example], given: Sequence[Vectors] | None, embedding: Embedding, embedder: Embedder | None
) -> Vectors:
    if given is not None:
        vectors = np.asarray(given, dtype=np.float32)
        origin = "the given vectors"
    elif embedder is not None:
        vectors = np.asarray(embedder.embed([example.text for example in examples]), dtype=np.float32)
        origin = f"the vectors of {embedder.name!r}"
    else:
        raise StoreError(
            "the store was opened without an embedder, so it cannot add texts",
            hint=f"open it with the embedder {embedding.name!r}, or give the vectors",
        )
    if vectors.shape != (len(examples), embedding.dimension):
        shape = " × ".join(map(str, vectors.shape))
        raise StoreError(f"{origin} are {shape}", hint=f"the store wants {len(examples)} × {embedding.dimension}")
    if not unit_rows(vectors):
        raise StoreError(f"{origin} are not of length 1", hint="divide each by its norm; none may be zero or NaN")
    return vectors


def next_version(version: int) -> int:
    """A greater version: microseconds since 1970, so that a store made anew never repeats one of its namesake."""
    return max(version + 1, time.time_ns() // 1000)
