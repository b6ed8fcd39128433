"""Whose words are these? A text's character n-grams under a store's frequencies and under those of general language.

    wording(x, D) = mean over the n-grams g of x of ln p(g | D) / p(g)
    p(g | D) = (count of g in D + λ · p(g)) / (n-grams in D + λ)

That is multinomial naive Bayes with general language as the prior, worth λ = 10,000 n-grams. It sees what an embedding
blurs (names, codes, spelling, style), in microseconds. N-grams are hashed to 16 bits; English takes 2 to 4 characters,
Chinese 1 or 2, which say about as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 16
PRIOR = 10_000.0
SIZES = {"en": (2, 3, 4), "zh": (1, 2)}
_STEP = np.uint64(1_000_003)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

Grams = NDArray[np.intp]


def grams(text: str, language: str) -> Grams:
    """The buckets of a text's n-grams, with repeats."""
    squeezed = " " + " ".join(text.split()) + " "
    points = np.frombuffer(squeezed.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    sizes = SIZES.get(language, SIZES["en"])
    found = []
    rolling = points
    for size in range(1, max(sizes) + 1):
        if size > 1:
            rolling = rolling[:-1] * _STEP + points[size - 1 :]
        if size in sizes:
            found.append((rolling + np.uint64(size)) * _SPREAD >> np.uint64(48))
    return np.concatenate(found).astype(np.intp)


@cache
def general_frequencies(language: str) -> NDArray[np.float64]:
    """p(g) for every bucket, as counted in public text of many kinds (``background/README.md``)."""
    with (resources.files("ranit_rag.retrieval") / "background" / "ngrams.npz").open("rb") as file:
        logarithms = np.load(file)["zh" if language == "zh" else "en"]
    frequencies: NDArray[np.float64] = np.exp(logarithms.astype(np.float64))
    frequencies /= frequencies.sum()
    return frequencies


class Wording:
    """The n-gram frequencies of a store."""

    def __init__(self, texts: Iterable[str], language: str) -> None:
        self._counts = np.zeros(BUCKETS, dtype=np.int64)
        for text in texts:
            self._counts += np.bincount(grams(text, language), minlength=BUCKETS)
        self._total = int(self._counts.sum())
        self._general = general_frequencies(language)
        self._log_ratios = np.log((self._counts + PRIOR * self._general) / (self._total + PRIOR) / self._general)

    def scores(self, texts: Sequence[Grams]) -> NDArray[np.float64]:
        """``wording(x, D)`` of each text."""
        lengths = np.array([len(text) for text in texts])
        starts = np.concatenate([[0], lengths[:-1].cumsum()])
        sums: NDArray[np.float64] = np.add.reduceat(self._log_ratios[np.concatenate(texts)], starts)
        sums /= lengths
        return sums

    def score_left_out(self, text: Grams) -> float:
        """The score of one of the store's own texts, had it not been counted."""
        buckets, repeats = np.unique(text, return_counts=True)
        general = self._general[buckets]
        counts = self._counts[buckets] - repeats
        ratios = (counts + PRIOR * general) / (self._total - len(text) + PRIOR) / general
        return float((repeats * np.log(ratios)).sum() / len(text))
