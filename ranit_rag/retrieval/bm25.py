"""BM25Okapi over the examples of a store, scored for a pool of them only.

For a query q (repeated words count) and a document d of N, with n(w) documents that hold w:

    idf(w) = ln((N - n(w) + 0.5) / (n(w) + 0.5)), or ε · mean idf where that is negative
    score(q, d) = Σ_{w in q} idf(w) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · |d| / mean |d|)),  tf = count of w in d

with k1 = 1.5, b = 0.75, ε = 0.25. That is rank-bm25's BM25Okapi and gensim 3's BM25, the paper's (so that its threshold
of 20 carries over), but a pool of 128 is scored in microseconds where those would walk through all documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranit_rag.stores.snapshot import Snapshot
from ranit_rag.text.language import detect_language, tokenize

K1 = 1.5
B = 0.75
EPSILON = 0.25

Terms = tuple[NDArray[np.int32], NDArray[np.float32]]
"""A document: the numbers of its distinct words, ascending, and how often each occurs."""


class Bm25:
    """Scores documents by their row. Documents are lists of words."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._vocabulary: dict[str, int] = {}
        self._set([self._terms(words) for words in documents])

    def _terms(self, words: Sequence[str]) -> Terms:
        counts = Counter(self._vocabulary.setdefault(word, len(self._vocabulary)) for word in words)
        numbers = np.fromiter(sorted(counts), np.int32, len(counts))
        return numbers, np.fromiter((counts[number] for number in numbers.tolist()), np.float32, len(counts))

    def _set(self, documents: list[Terms]) -> None:
        self._documents = documents
        self._lengths = np.array([counts.sum() for _, counts in documents], dtype=np.float64)
        self._mean_length = float(self._lengths.mean()) if self._lengths.any() else 1.0
        held = np.concatenate([numbers for numbers, _ in documents]) if documents else np.empty(0, np.int32)
        holders = np.bincount(held, minlength=len(self._vocabulary)).astype(np.float64)
        idf = np.log(len(documents) - holders + 0.5) - np.log(holders + 0.5)
        present = holders > 0  # words of documents that were deleted stay in the vocabulary
        floor = EPSILON * float(idf[present].mean()) if present.any() else 0.0
        self._idf = np.where(present, np.where(idf < 0, floor, idf), 0.0)

    def scores(self, query: Sequence[str], rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores of the documents ``rows`` for the words of a query."""
        weights = Counter(number for word in query if (number := self._vocabulary.get(word)) is not None)
        scores = np.zeros(len(rows))
        if not weights or not len(rows):
            return scores
        wanted = np.array(sorted(weights), dtype=np.int32)
        weight = self._idf[wanted] * [weights[number] for number in wanted.tolist()]
        documents = [self._documents[row] for row in rows]
        owner = np.repeat(np.arange(len(rows)), [len(numbers) for numbers, _ in documents])
        numbers = np.concatenate([numbers for numbers, _ in documents])
        counts = np.concatenate([counts for _, counts in documents]).astype(np.float64)
        place = np.searchsorted(wanted, numbers)
        hit = wanted[np.minimum(place, len(wanted) - 1)] == numbers
        owner, place, counts = owner[hit], place[hit], counts[hit]
        lengths = self._lengths[np.asarray(rows)][owner]
        np.add.at(scores, owner, weight[place] * self._saturation(counts, lengths))
        return scores

    def _saturation(self, counts: NDArray[np.float64], lengths: NDArray[np.float64] | float) -> NDArray[np.float64]:
        saturation: NDArray[np.float64] = counts * (K1 + 1) / (counts + K1 * (1 - B + B * lengths / self._mean_length))
        return saturation

    def self_score(self, query: Sequence[str]) -> float:
        """The score of the query as a document for itself; words that no document holds weigh as the rarest."""
        counts = Counter(query)
        rarest = float(np.log(len(self._documents) + 0.5) - np.log(0.5))
        known = [self._vocabulary.get(word) for word in counts]
        idf = np.array([self._idf[number] if number is not None else rarest for number in known])
        repeats = np.array(list(counts.values()), dtype=np.float64)
        return float((repeats * idf * self._saturation(repeats, float(len(query)))).sum())

    def shares(self, query: Sequence[str], rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float64]:
        """Scores as a share of the query's self-score, in [0, 1]: lengths and sizes of stores do not move them."""
        most = self.self_score(query)
        if most <= 0:
            return np.zeros(len(rows))
        return np.clip(self.scores(query, rows) / most, 0.0, 1.0)


class StoreBm25(Bm25):
    """The words of a store's snapshot. ``following`` reuses those of an earlier snapshot of the same store."""

    def __init__(self, snapshot: Snapshot, following: StoreBm25 | None = None) -> None:
        self.version = snapshot.version
        self._keys: tuple[str, ...] = snapshot.keys
        self._vocabulary = dict(following._vocabulary) if following else {}
        known = dict(zip(following._keys, following._documents, strict=True)) if following else {}
        rows = zip(snapshot.keys, snapshot.examples, strict=True)
        self._set([known[key] if key in known else self._terms(example_words(e.text, e.language)) for key, e in rows])


def example_words(text: str, language: str) -> list[str]:
    """The words of an example for BM25; its language is looked for in the text where none of the two is given."""
    return tokenize(text, language if language in ("en", "zh") else detect_language(text))
