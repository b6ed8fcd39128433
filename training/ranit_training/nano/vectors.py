"""Texts as vectors by the words that they share: what tells which training records are like each other.

No language model is asked, so that a mixture depends on its texts alone, and half a million of them take minutes on a
CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.extras import require

DIMENSION = 512
FEATURES = 1 << 18
ROWS_AT_ONCE = 20_000

Vectors = NDArray[np.float32]


def lexical_vectors(texts: Sequence[str], language: str) -> Vectors:
    """``[texts, 512]``, of length 1: words and pairs of words (Chinese: characters and pairs of them) by TF-IDF.

    Rare features count more; a random projection (Achlioptas, 2003) keeps cosines to within some 0.04.
    """
    text = require("sklearn.feature_extraction.text", extra="train")
    projection = require("sklearn.random_projection", extra="train")
    how: dict[str, Any] = {"analyzer": "char"} if language == "zh" else {"token_pattern": r"(?u)\b\w+\b|[^\w\s]"}
    hashing = text.HashingVectorizer(n_features=FEATURES, ngram_range=(1, 2), norm=None, dtype=np.float32, **how)
    weighed = text.TfidfTransformer(sublinear_tf=False).fit_transform(abs(hashing.transform(texts)))
    projected = projection.SparseRandomProjection(DIMENSION, random_state=0, density=1 / 64).fit(weighed[:1])
    vectors = np.empty((len(texts), DIMENSION), np.float32)
    for start in range(0, len(texts), ROWS_AT_ONCE):
        block = projected.transform(weighed[start : start + ROWS_AT_ONCE])
        vectors[start : start + ROWS_AT_ONCE] = np.asarray(block.todense() if hasattr(block, "todense") else block)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(norms > 0, norms, 1)
    vectors[norms[:, 0] == 0, 0] = 1  # a text without words is like others without
    return vectors
