"""Exact neighbours: the same as the plain definition, however the work is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranit_rag.errors import InputError
from ranit_training.augment import nearest_neighbours
from ranit_training.augment import neighbours as module

RNG = np.random.default_rng(0)


def check(rows: np.ndarray, cosines: np.ndarray, queries: np.ndarray, pool: np.ndarray, k: int, same: bool) -> None:
    """The rows are the plain definition's: no two alike, and their cosines, computed in float64, the greatest in order.

    Rows whose cosines differ by less than float32 tells may change places.
    """
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (queries, pool)]
    exact = unit[0].astype(np.float64) @ unit[1].astype(np.float64).T
    if same:
        np.fill_diagonal(exact, -2)
    best = -np.sort(-exact, axis=1)[:, : min(k, len(pool) - same)]
    assert all(len(set(row)) == len(row) for row in rows.tolist())
    assert np.allclose(np.take_along_axis(exact, rows, axis=1), best, atol=2e-6)
    assert np.allclose(cosines, best, atol=2e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40), st.integers(2, 60), st.integers(1, 70), st.booleans(), st.integers(1, 25), st.integers(1, 50)
)
def test_blocks_of_any_size_give_the_same(
    queries: int, pool: int, k: int, same: bool, rows_at_once: int, cells: int
) -> None:
    vectors = np.random.default_rng(pool).standard_normal((pool, 8)).astype(np.float32)
    asked = vectors if same else np.random.default_rng(queries).standard_normal((queries, 8)).astype(np.float32)
    kept = module.POOL_ROWS, module.CPU_CELLS
    try:
        module.POOL_ROWS, module.CPU_CELLS = rows_at_once, cells
        rows, cosines = nearest_neighbours(asked, vectors, k, own=0 if same else None, device="cpu")
    finally:
        module.POOL_ROWS, module.CPU_CELLS = kept
    check(rows, cosines, asked, vectors, k, same)


def test_equal_vectors_come_by_their_row() -> None:
    pool = np.repeat(RNG.standard_normal((3, 4)), 4, axis=0)
    rows, _ = nearest_neighbours(pool[:1], pool, 4)
    assert rows.tolist() == [[0, 1, 2, 3]]
    rows, _ = nearest_neighbours(pool, pool, 3, own=0)
    assert rows[:4].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


def test_lengths_of_vectors_do_not_matter_and_files_need_not_fit(tmp_path: Path) -> None:
    pool = RNG.standard_normal((50, 16)).astype(np.float16)
    np.save(tmp_path / "v.npy", pool)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    scaled = pool * RNG.uniform(0.5, 2, (50, 1)).astype(np.float16)
    assert np.array_equal(nearest_neighbours(mapped, mapped, 3)[0][:, 0], np.arange(50))
    assert np.array_equal(nearest_neighbours(scaled, mapped, 1)[0][:, 0], np.arange(50))


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_every_device_finds_the_same(device: str) -> None:
    torch = pytest.importorskip("torch")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU here")
    pool = RNG.standard_normal((300, 64)).astype(np.float32)
    rows, cosines = nearest_neighbours(pool, pool, 10, own=0, device=device)
    check(rows, cosines, pool, pool, 10, True)


def test_a_pool_of_one_has_no_other() -> None:
    rows, cosines = nearest_neighbours(RNG.standard_normal((1, 4)), RNG.standard_normal((1, 4)), 5, own=0)
    assert rows.shape == cosines.shape == (1, 0)


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 3\) cannot be compared with a pool of shape \(2, 4\)"):
        nearest_neighbours(np.ones((2, 3)), np.ones((2, 4)), 1)
    with pytest.raises(InputError, match="0 neighbours"):
        nearest_neighbours(np.ones((2, 3)), np.ones((2, 3)), 0)
