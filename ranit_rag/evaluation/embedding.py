"""Embedding each text once, though many stores and arms ask for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors


class EmbedsOnce:
    """An embedder that embeds each text once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self.name = embedder.name
        self.dimension = embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)
