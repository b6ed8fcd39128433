"""Nearest neighbours by cosine: exact for small stores, exact re-ranking of what sign codes let through for large ones.

A store of 100,000 vectors of 384 dimensions is 150 MB, and reading it once for each query takes longer than all else in
a retrieval. Its sign codes are 10 MB: 768 bits say on which side of as many hyperplanes a vector lies, and the number
of differing bits grows with the angle (Charikar 2002). The vectors with the nearest codes are compared exactly.
On 24,000 sentences under all-MiniLM-L6-v2, the nearest 1 % by code held 99.9 % of the 2 nearest and 99.7 % of the 16
nearest, the nearest 2 % all of the 2 and 99.97 % of the 16.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

EXACT_UP_TO = 20_000  # rows; below this one product with all of them is as fast
SCANNED_SHARE = 0.01  # of the rows is compared exactly
SCANNED_PER_WANTED = 8  # and never fewer than so many for each neighbour wanted
BITS = 768
ROWS_AT_ONCE = 16_384  # while coding, to bound memory


class SignCodes:
    """The codes of a matrix ``[n, d]``: signs of its rows, less their mean, under random rotations."""

    def __init__(self, vectors: Vectors) -> None:
        dimension = vectors.shape[1]
        words = max(BITS, dimension) // 64
        rng = np.random.default_rng(0)
        rotations = [
            np.linalg.qr(rng.standard_normal((dimension, dimension)))[0] for _ in range(-(-words * 64 // dimension))
        ]
        self._planes = np.concatenate(rotations, axis=1)[:, : words * 64].astype(np.float32)
        self._mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        # One row for each word, so that each pass over the store reads memory in order.
        self._codes = np.empty((words, len(vectors)), dtype=np.uint64)
        for start in range(0, len(vectors), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            self._codes[:, rows] = self._encode(vectors[rows]).T

    def _encode(self, vectors: Vectors) -> NDArray[np.uint64]:
        signs = (vectors - self._mean) @ self._planes > 0
        return np.packbits(signs, axis=1).view(np.uint64)

    def candidates(self, query: Vectors, count: int) -> NDArray[np.intp]:
        """The ``count`` rows whose codes differ least from the query's ``[d]``, and ties of the last, in order."""
        code = self._encode(query[None])[0]
        distance = np.zeros(self._codes.shape[1], dtype=np.uint16)
        for word, wanted in zip(self._codes, code, strict=True):
            distance += np.bitwise_count(word ^ wanted)
        return np.flatnonzero(distance <= np.partition(distance, count - 1)[count - 1])


def nearest(
    vectors: Vectors, codes: SignCodes | None, query: Vectors, k: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The ``k`` rows (or all, if fewer) nearest to ``query`` ``[d]``, best first, and their cosines."""
    k = min(k, len(vectors))
    if k <= 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)
    # vecdot is as fast as a matrix product on one thread, and starts no others: on a busy machine, or with many small
    # stores, the product's threads wait for each other many times longer than they compute.
    scanned = max(int(SCANNED_SHARE * len(vectors)), SCANNED_PER_WANTED * k)
    if codes is None or scanned >= len(vectors) // 4:
        rows = np.arange(len(vectors))
        similarities = np.vecdot(vectors, query)
    else:
        rows = codes.candidates(query, scanned)
        similarities = np.vecdot(vectors[rows], query)
    best = np.argpartition(similarities, -k)[-k:]
    best = best[np.lexsort((rows[best], -similarities[best]))]
    return rows[best], similarities[best]
