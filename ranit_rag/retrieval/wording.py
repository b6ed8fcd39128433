"""Whose words are these? A text's character n-grams under a store's frequencies and under those of general language.

    wording(x, D) = 1/√n · Σ_{g in x} ln p(g | D) / p(g),   p(g | D) = (count of g in D + λ · p(g)) / (n-grams in D + λ)

over the n n-grams of x: multinomial naive Bayes with a Dirichlet prior at the general language (λ = 3,000 n-grams).
The root keeps long texts comparable. It sees what an embedding blurs (names, codes, spelling, style), in microseconds.
N-grams are hashed to 16 bits; English takes 2 to 4 characters, Chinese 1 or 2, which say about as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.background import general_texts
from ranit_rag.stores.seeds import seed_examples, seed_names

BUCKETS = 1 << 16
PRIOR = 3000.0
UNSEEN = 0.1  # n-grams that each bucket is counted as having in general language
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
    """p(g) for every bucket, from all bundled text: the general one, and the examples of every domain."""
    texts = [item.text for item in general_texts(language)]
    for name in seed_names():
        texts += [example.text for example in seed_examples(name) if example.language == language]
    counts = np.full(BUCKETS, UNSEEN)
    for text in texts:
        np.add.at(counts, grams(text, language), 1.0)
    counts /= counts.sum()
    return counts


class Wording:
    """The n-gram frequencies of a store."""

    def __init__(self, texts: Iterable[str], language: str) -> None:
        counts = np.zeros(BUCKETS, dtype=np.int64)
        for text in texts:
            counts += np.bincount(grams(text, language), minlength=BUCKETS)
        self._prior = PRIOR * general_frequencies(language)
        self._counts = counts
        self._total = int(counts.sum())
        self._log_ratios = np.log((counts + self._prior) / (self._total + PRIOR)) - np.log(self._prior / PRIOR)

    def score(self, text: Grams) -> float:
        return float(self._log_ratios[text].sum() / np.sqrt(max(len(text), 1)))

    def scores(self, texts: Sequence[Grams]) -> NDArray[np.float64]:
        """``score`` of many texts, none of which is empty."""
        lengths = np.array([len(text) for text in texts])
        starts = np.concatenate([[0], lengths[:-1].cumsum()])
        sums: NDArray[np.float64] = np.add.reduceat(self._log_ratios[np.concatenate(texts)], starts)
        sums /= np.sqrt(lengths)
        return sums

    def score_left_out(self, text: Grams) -> float:
        """The score of one of the store's own texts, had it not been counted."""
        buckets, repeats = np.unique(text, return_counts=True)
        counts = self._counts[buckets] - repeats
        ratios = (counts + self._prior[buckets]) / (self._total - len(text) + PRIOR) / (self._prior[buckets] / PRIOR)
        return float((repeats * np.log(ratios)).sum() / np.sqrt(len(text)))
