"""Vectors of texts that never change, kept in files, so that a new process reads what an earlier one embedded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ranit_rag.stores.arrays import read_arrays, write_arrays
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.checks import unit_rows
from ranit_rag.stores.snapshot import Vectors

FORMAT = 1  # of the files; rises whenever the same texts and name are to give other vectors
SAME = 0.999  # cosine from which two vectors of one text are of one model, whatever the machine's arithmetic


class KeptVectors:
    """An ``Embedder`` for the bundled texts: each list of texts is embedded once, then read from ``folder``.

    A file is named by a hash of the embedder's name and the texts. Since another model can go by the same name, the
    first text is embedded anew and compared. What does not fit or cannot be read is embedded again; a folder that
    cannot be written costs that time in each process, and no more.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self._folder = folder

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        path = self._folder / f"{self._digest(texts)}.npz"
        vectors = (read_arrays(path) or {}).get("vectors")
        if vectors is None or not self._fit(vectors, texts):
            vectors = self._embedder.embed(texts)
            write_arrays(path, {"vectors": vectors})
        return vectors

    def _digest(self, texts: Sequence[str]) -> str:
        content = json.dumps([FORMAT, self.name, list(texts)])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def _fit(self, vectors: Vectors, texts: Sequence[str]) -> bool:
        if vectors.shape != (len(texts), self.dimension) or vectors.dtype != np.float32 or not unit_rows(vectors):
            return False
        return bool((self._embedder.embed(texts[:1]) @ vectors[:1].T >= SAME).all())
