"""Embeddings of records: given as a ``.npy`` file, or computed once and kept as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ranit_rag.errors import DataError
from ranit_rag.progress import track
from ranit_rag.stores.base import Embedder
from ranit_training.augment.neighbours import Vectors
from ranit_training.disk import check_space
from ranit_training.layouts import completed

ROWS_AT_ONCE = 1_024


def load_vectors(path: Path, rows: int) -> Vectors:
    """A memory map of ``path``. Raises DataError unless it has a finite row, not zero, for each of ``rows`` texts."""
    try:
        vectors: Vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot read vectors from {path}: {error}", hint="save them with numpy.save") from error
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        raise DataError(f"{path} holds {vectors.dtype} of shape {vectors.shape}", hint="it must be floats [texts, d]")
    if len(vectors) != rows:
        raise DataError(
            f"{path} holds {len(vectors)} vectors for {rows} texts",
            hint="it needs a row for each record of the files, in their order",
        )
    for start in range(0, rows, ROWS_AT_ONCE):
        norms = np.linalg.norm(np.asarray(vectors[start : start + ROWS_AT_ONCE], np.float32), axis=1)
        if not np.all(np.isfinite(norms) & (norms > 0)):
            bad = start + int(np.argmin(np.isfinite(norms) & (norms > 0)))
            raise DataError(f"row {bad} of {path} is zero or not finite", hint="embed that text again")
    return vectors


def embed_texts(texts: Sequence[str], embedder: Embedder, path: Path, *, progress: bool = False) -> Vectors:
    """Embed the texts into ``path``, block by block, and return a memory map of it. Raises DataError at once."""
    check_space(path, len(texts) * embedder.dimension * np.dtype(np.float32).itemsize)
    blocks = range(0, len(texts), ROWS_AT_ONCE)
    with completed(path) as partial:
        vectors = np.lib.format.open_memmap(partial, "w+", np.float32, (len(texts), embedder.dimension))
        for start in track(blocks, total=len(blocks), shown=progress, what=f"blocks of {ROWS_AT_ONCE:,} embedded"):
            vectors[start : start + ROWS_AT_ONCE] = embedder.embed(texts[start : start + ROWS_AT_ONCE])
        vectors.flush()
    return load_vectors(path, len(texts))
