"""BM25 decides what is shown out of domain; its threshold carries over from the paper only while the formula does."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from ranit_rag.retrieval.bm25 import Bm25, StoreBm25
from ranit_rag.stores.snapshot import Snapshot
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import Example

words = st.lists(st.sampled_from("abcdefghij"), max_size=12)
corpora = st.lists(words, min_size=1, max_size=12).filter(any)


def by_the_formula(corpus: list[list[str]], query: list[str], document: list[str]) -> float:
    """The formula of the paper's BM25, written out in float64."""
    holders = Counter(word for words in corpus for word in set(words))
    idf = {w: math.log(len(corpus) - n + 0.5) - math.log(n + 0.5) for w, n in holders.items()}
    floor = 0.25 * sum(idf.values()) / len(idf)
    mean_length = sum(map(len, corpus)) / len(corpus)
    score = 0.0
    for word in query:
        if word in idf:
            tf = document.count(word)
            weight = idf[word] if idf[word] >= 0 else floor
            score += weight * tf * 2.5 / (tf + 1.5 * (1 - 0.75 + 0.75 * len(document) / mean_length))
    return score


@given(corpora, words)
def test_scores_are_those_of_the_formula_and_of_rank_bm25(corpus: list[list[str]], query: list[str]) -> None:
    scores = Bm25(corpus).scores(query, range(len(corpus)))
    np.testing.assert_allclose(scores, [by_the_formula(corpus, query, d) for d in corpus], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scores, BM25Okapi(corpus).get_scores(query), rtol=1e-9, atol=1e-12)


@given(corpora, words, st.data())
def test_a_part_of_the_store_is_scored_as_in_the_whole(
    corpus: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, len(corpus) - 1), max_size=6))
    index = Bm25(corpus)
    assert index.scores(query, rows).tolist() == index.scores(query, range(len(corpus)))[rows].tolist()


@given(corpora, words)
def test_shares_are_between_none_and_all(corpus: list[list[str]], query: list[str]) -> None:
    shares = Bm25(corpus).shares(query, range(len(corpus)))
    assert ((shares >= 0) & (shares <= 1)).all()


def test_a_text_shares_all_with_itself_and_little_when_most_of_its_words_are_unknown() -> None:
    corpus = [["aspirin", "eases", "migraine"], ["stocks", "fell"], ["rain", "tomorrow"], ["court", "ruled"]]
    index = Bm25(corpus)
    assert index.shares(corpus[0], [0, 1]).tolist() == pytest.approx([1.0, 0.0])
    assert index.shares(["aspirin", "ruined", "every", "strange", "evening"], [0])[0] < 0.3


def snapshot(texts: list[str], version: int) -> Snapshot:
    examples = tuple(Example(text, language="en") for text in texts)
    keys = tuple(text_fingerprint(text) for text in texts)
    return Snapshot(version, keys, examples, np.eye(len(texts), 3, dtype=np.float32))


@settings(deadline=None)
@given(st.lists(st.text("abc ", min_size=1, max_size=9), unique_by=text_fingerprint, max_size=6), st.data())
def test_an_index_that_follows_another_equals_one_made_anew(texts: list[str], data: st.DataObject) -> None:
    """A correction changes the store at every use: stale document frequencies would move the threshold unseen."""
    before = data.draw(st.lists(st.sampled_from(texts), unique=True)) if texts else []
    followed = StoreBm25(snapshot(texts, 2), following=StoreBm25(snapshot(before, 1)))
    made_anew = StoreBm25(snapshot(texts, 2))
    query = ["a", "ab", "b", "c", "abc"]
    assert followed.scores(query, range(len(texts))) == pytest.approx(made_anew.scores(query, range(len(texts))))
    assert followed.self_score(["a", "b"]) == pytest.approx(made_anew.self_score(["a", "b"]))
