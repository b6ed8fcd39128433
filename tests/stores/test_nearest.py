"""Neighbours: exact in small stores, practically so in large ones, whatever the embedding's geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ranit_rag.stores.nearest import EXACT_UP_TO, SignCodes, nearest
from ranit_rag.stores.snapshot import Snapshot
from ranit_rag.types import Example

Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.float64]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(count: int, dimension: int, *, common: float = 0.0, seed: int = 0) -> Vectors:
    """Vectors in 200 clusters; ``common`` adds a direction that all share, as many language models have one."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1).standard_normal((200, dimension))
    vectors = centres[rng.integers(200, size=count)] + 1.2 * rng.standard_normal((count, dimension))
    return unit(vectors + common * np.ones(dimension))


@given(st.integers(0, 60), st.integers(0, 80), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_small_stores_are_searched_exactly(count: int, k: int, seed: int) -> None:
    vectors = clustered(count, 16, seed=seed)
    query = clustered(1, 16, seed=seed + 1)[0]
    rows, similarities = nearest(vectors, None, query, k)
    expected = np.sort(vectors @ query)[::-1][: min(k, count)]
    np.testing.assert_allclose(similarities, expected, atol=1e-6)
    np.testing.assert_allclose(vectors[rows] @ query, similarities, atol=1e-6)
    assert len(set(rows.tolist())) == len(rows)


def test_ties_come_in_the_order_of_the_store() -> None:
    rows, _ = nearest(np.ones((5, 1), dtype=np.float32), None, np.ones(1, dtype=np.float32), 5)
    assert rows.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("dimension", "common"), [(384, 0.0), (384, 1.0), (100, 0.0), (1024, 0.5)])
def test_large_stores_find_what_an_exact_search_finds(dimension: int, common: float) -> None:
    count = 30_000
    vectors = clustered(count, dimension, common=common)
    codes = SignCodes(vectors)
    found: list[float] = []
    for query in clustered(30, dimension, common=common, seed=2):
        rows, similarities = nearest(vectors, codes, query, 32)
        exact = np.argsort(-(vectors @ query), kind="stable")[:32]
        found.append(len(set(rows.tolist()) & set(exact.tolist())) / 32)
        assert set(exact[:3].tolist()) <= set(rows.tolist()), "the judge looks at the three nearest"
        np.testing.assert_allclose(similarities, vectors[rows] @ query, atol=1e-6)
    assert np.mean(found) >= 0.98


def test_a_text_of_the_store_finds_itself_and_its_double() -> None:
    vectors = clustered(EXACT_UP_TO + 1000, 64)
    vectors[7] = vectors[20_500]
    snapshot = Snapshot(1, tuple(map(str, range(len(vectors)))), (Example("x"),) * len(vectors), vectors)
    assert snapshot.nearest(vectors[20_500:20_501], 2).rows.tolist() == [[7, 20_500]]
    with pytest.raises(ValueError, match="read-only"):
        snapshot.vectors[0, 0] = 0.0
