"""Examples for the records of files: the vectors given or computed, the pool read, the strategy applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import InputError
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores.base import Embedder
from ranit_rag.text import detect_language
from ranit_rag.types import Example
from ranit_training.augment import ExampleFinder, Retrieval, Shown
from ranit_training.augment.neighbours import Vectors
from ranit_training.sources import load_records
from ranit_training.vectors import embed_texts, load_vectors

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Records:
    """Files of annotated records; ``vectors`` is a file with a row for each of them."""

    paths: tuple[Path, ...]
    split: str | None = None
    skip_broken: bool = False
    vectors: Path | None = None

    def load(self) -> list[Example]:
        return load_records(self.paths, split=self.split, skip_broken=self.skip_broken)

    @property
    def inputs(self) -> list[Path]:
        return [*self.paths, *([self.vectors] if self.vectors else [])]


@dataclass(frozen=True, slots=True)
class Examples:
    """Where examples come from: the records of ``pool`` (None: the records themselves), chosen by ``retrieval``.

    Vectors that are not given are computed by the ``embedder`` (None: the one for the records' language) and kept
    beside the output, so that another strategy need not compute them again. ``progress`` shows a bar meanwhile.
    """

    retrieval: Retrieval
    pool: Records | None = None
    embedder: Embedder | None = None
    progress: bool = False

    @property
    def inputs(self) -> list[Path]:
        return self.pool.inputs if self.pool else []

    @property
    def parameters(self) -> dict[str, Any]:
        """What shaped the choice, for a manifest."""
        shape = {name: value for name, value in asdict(self.retrieval).items() if name not in ("strategy", "device")}
        embedder = {"embedder": self.embedder.name} if self.embedder else {}
        return {**shape, **embedder, **({"pool_split": self.pool.split} if self.pool else {})}


def with_embedder(how: Examples, records: Records, loaded: Sequence[Example], pool: Sequence[Example]) -> Examples:
    """``how`` with an embedding model where vectors must be computed and none is named. Raises InputError."""
    given = [side.vectors is not None for side in (records, how.pool) if side is not None]
    if how.embedder is not None or how.retrieval.strategy == "random" or all(given):
        return how
    if any(given):
        raise InputError(
            "vectors are given for the records or for the pool alone",
            hint="give both, or name the embedding model that made them",
        )
    languages = sorted({record.language or detect_language(record.text) for record in (*loaded, *pool)})
    if len(languages) > 1:
        raise InputError(
            f"records in {' and '.join(languages)} need one embedding model that reads both",
            hint="name one, give vectors, or make a data set for each language",
        )
    return replace(how, embedder=default_embedder(languages[0]))


def show_examples(
    how: Examples, records: Records, loaded: Sequence[Example], used: Mask, pool: Sequence[Example], beside: Path
) -> Iterator[Shown]:
    """The examples for those of the ``loaded`` records that are ``used``, in their order.

    ``pool`` are the records of ``how.pool``. Examples without entities are never shown. Vectors that are computed are
    written ``beside`` the output.
    """
    own = _vectors(records, loaded, how, beside.with_name(f"{beside.name}.vectors.npy"))
    kept, rows = _kept(loaded, used), _rows(own, used)
    if how.pool is None:
        return ExampleFinder(kept, rows, how.retrieval).find()
    shown = np.array([bool(example.entities) for example in pool])
    theirs = _vectors(how.pool, pool, how, beside.with_name(f"{beside.name}.pool-vectors.npy"))
    return ExampleFinder(_kept(pool, shown), _rows(theirs, shown), how.retrieval).find(kept, rows)


def _vectors(records: Records, loaded: Sequence[Example], how: Examples, path: Path) -> Vectors | None:
    """A row for each of the loaded records; None where the strategy needs none."""
    if how.retrieval.strategy == "random":
        return None
    if records.vectors is not None:
        return load_vectors(records.vectors, len(loaded))
    if how.embedder is None:
        raise InputError(f"strategy {how.retrieval.strategy!r} needs vectors", hint="give them, or an embedding model")
    return embed_texts([record.text for record in loaded], how.embedder, path, progress=how.progress)


def _kept(records: Sequence[Example], used: Mask) -> list[Example]:
    return [record for record, use in zip(records, used, strict=True) if use]


def _rows(vectors: Vectors | None, used: Mask) -> Vectors | None:
    return vectors if vectors is None or used.all() else vectors[used]
