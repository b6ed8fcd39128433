"""Which examples each record is shown: a strategy over its exact nearest neighbours."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import InputError
from ranit_rag.retrieval.bm25 import Bm25, example_words
from ranit_rag.retrieval.strategies import Strategy, choose
from ranit_rag.types import Example
from ranit_training.augment.neighbours import Vectors, nearest_neighbours
from ranit_training.conversations import record_rng
from ranit_training.duplicates import Sketch

Block = TypeVar("Block")

RECORDS_AT_ONCE = 8_192  # whose neighbours are sought together
STRANGERS = 256  # drawn at random for a record, in case the first ones repeat it
_SKETCHES = 1 << 17


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How examples are chosen; the defaults are the paper's.

    ``pool`` neighbours are found for each record, and at most ``k`` of them shown. ``threshold`` is the least BM25Okapi
    score that the strategies with ``_bm25`` accept. ``device``: ``auto``, ``cpu``, ``cuda`` …
    """

    strategy: Strategy = "nn"
    k: int = 2
    pool: int = 128
    threshold: float = 20.0
    seed: int = 42
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.k < 1 or self.pool < self.k:
            raise InputError(f"{self.k} examples from {self.pool} neighbours", hint="1 ≤ k ≤ pool")


@dataclass(frozen=True, slots=True)
class Shown:
    """The examples for one record, in the order of the strategy."""

    record: Example
    examples: tuple[Example, ...]


class ExampleFinder:
    """Chooses examples from ``pool``. Its ``vectors`` ``[len(pool), d]`` are not needed for the strategy ``random``."""

    def __init__(self, pool: Sequence[Example], vectors: Vectors | None, retrieval: Retrieval) -> None:
        if vectors is not None and len(vectors) != len(pool):
            raise InputError(
                f"{len(vectors)} vectors are given for {len(pool)} examples", hint="give a row for each, in their order"
            )
        if vectors is None and retrieval.strategy != "random":
            raise InputError(f"strategy {retrieval.strategy!r} needs vectors", hint="give them, or an embedding model")
        self._pool = pool
        self._vectors = vectors
        self._retrieval = retrieval
        self._sketch: Callable[[int], Sketch] = lru_cache(_SKETCHES)(lambda row: Sketch.of(pool[row].text))
        by_bm25 = "bm25" in retrieval.strategy
        self._words = [example_words(e.text, e.language) for e in pool] if by_bm25 else []
        self._bm25 = Bm25(self._words)

    def find(self, records: Sequence[Example] | None = None, vectors: Vectors | None = None) -> Iterator[Shown]:
        """The examples for each record, in order; ``vectors`` are the records' own. None: those of the pool itself.

        None that is shown repeats or nearly repeats its record, or another that is shown.
        """
        own = records is None
        records, vectors = (self._pool, self._vectors) if records is None else (records, vectors)
        for start, neighbours in _ahead(self._neighbours(records, vectors, own)):
            for number, nearest in enumerate(neighbours, start):
                record = records[number]
                rows = self._choose(record, nearest.tolist(), number if own else None)
                yield Shown(record, tuple(self._pool[row] for row in rows))

    def _neighbours(
        self, records: Sequence[Example], vectors: Vectors | None, own: bool
    ) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """In blocks: the number of the first record, and a row of neighbours for each. ``own``: they are the pool."""
        needed = self._vectors if self._retrieval.strategy != "random" else None
        if needed is not None and (vectors is None or len(vectors) != len(records)):
            given = 0 if vectors is None else len(vectors)
            raise InputError(
                f"{given} vectors are given for {len(records)} records", hint="give a row for each, in their order"
            )
        size, device = self._retrieval.pool, self._retrieval.device
        for start in range(0, len(records), RECORDS_AT_ONCE):
            part = slice(start, start + RECORDS_AT_ONCE)
            if needed is None or vectors is None:
                yield start, np.empty((len(records[part]), 0), np.int32)
            else:
                first = start if own else None
                yield start, nearest_neighbours(vectors[part], needed, size, own=first, device=device)[0]

    def _choose(self, record: Example, neighbours: list[int], own: int | None) -> list[int]:
        retrieval = self._retrieval
        rng = record_rng(retrieval.seed, record, "examples")
        taken = [Sketch.of(record.text) if own is None else self._sketch(own)]

        def is_new(row: int) -> bool:
            """Examples that are asked about and taken must not repeat the record, nor each other."""
            sketch = self._sketch(row)
            if row == own or any(sketch.repeats(other) for other in taken):
                return False
            taken.append(sketch)
            return True

        def scores(rows: Sequence[int]) -> Sequence[float]:
            words = example_words(record.text, record.language) if own is None else self._words[own]
            scored: list[float] = self._bm25.scores(words, rows).tolist()
            return scored

        return choose(
            retrieval.strategy,
            neighbours,
            k=retrieval.k,
            rng=rng,
            bm25=scores,
            threshold=retrieval.threshold,
            strangers=_strangers(len(self._pool), rng),
            accept=is_new,
        )


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks; each is computed in a thread of its own while the one before it is used."""
    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = worker.submit(next, blocks, None)
            yield block


def _strangers(size: int, rng: random.Random) -> Iterator[int]:
    """Rows in random order; nothing is drawn before the first one is wanted."""
    yield from rng.sample(range(size), min(size, STRANGERS))
