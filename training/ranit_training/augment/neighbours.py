"""Exact nearest neighbours of many vectors at once, by matrix products of blocks on a CPU or a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import InputError

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.floating[Any]]

POOL_ROWS = 65_536  # compared at once
CPU_CELLS = 1 << 25  # similarities held at once: 128 MB
GPU_CELLS = 1 << 29
EQUAL_DECIMALS = 6


def nearest_neighbours(
    queries: Vectors, pool: Vectors, k: int, *, own: int | None = None, device: str = "auto"
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The rows of the ``k`` nearest in ``pool`` ``[m, d]`` for each of ``queries`` ``[n, d]``, and their cosines.

    Both are ``[n, k]``, nearest first, lower rows first where cosines agree to six decimals: their last bits depend on
    the processor. ``k`` shrinks to the pool. Where the queries are rows of the pool, from row ``own`` on, each leaves
    itself out. Rows are normalised here; either matrix may be a memory map. Time is n·m·d multiplications; memory is a
    block of similarities and the result. Raises InputError.
    """
    import torch

    _check(queries, pool, k)
    k = min(k, len(pool) - (own is not None))
    place = torch.device(_device() if device == "auto" else device)
    width = min(len(pool), max(POOL_ROWS, k))
    height = max(1, (CPU_CELLS if place.type == "cpu" else GPU_CELLS) // max(width, 1))
    rows = np.empty((len(queries), max(k, 0)), np.int32)
    cosines = np.empty(rows.shape, np.float32)
    if k <= 0:
        return rows[:, :0], cosines[:, :0]
    for pool_start in range(0, len(pool), width):
        block = _unit(pool[pool_start : pool_start + width], place)
        for start in range(0, len(queries), height):
            part = slice(start, start + height)
            similar = _products(_unit(queries[part], place), block)
            if own is not None:
                torch.diagonal(similar, offset=own + start - pool_start).fill_(-2.0)
            _merge(rows[part], cosines[part], similar, pool_start)
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        order = np.lexsort((rows[part], -np.round(cosines[part], EQUAL_DECIMALS)))
        rows[part] = np.take_along_axis(rows[part], order, axis=1)
        cosines[part] = np.take_along_axis(cosines[part], order, axis=1)
    return rows, cosines


def _merge(rows: NDArray[np.int32], cosines: NDArray[np.float32], similar: torch.Tensor, pool_start: int) -> None:
    """Put the best of a block of similarities among the best of the blocks before it, in place."""
    import torch

    k = rows.shape[1]
    best, columns = torch.topk(similar, min(k, similar.shape[1]), dim=1)
    found, where = best.cpu().numpy(), columns.cpu().numpy().astype(np.int32) + pool_start
    if pool_start:
        found, where = np.concatenate([cosines, found], axis=1), np.concatenate([rows, where], axis=1)
        kept = np.argpartition(-found, k - 1, axis=1)[:, :k]
        found, where = np.take_along_axis(found, kept, axis=1), np.take_along_axis(where, kept, axis=1)
    cosines[:, : found.shape[1]], rows[:, : where.shape[1]] = found, where


def _products(queries: torch.Tensor, pool: torch.Tensor) -> torch.Tensor:
    """``queries @ pool.T``. On CPUs by NumPy, whose OpenBLAS was a third faster than torch's MKL on an AMD EPYC."""
    import torch

    if pool.device.type == "cpu":
        return torch.from_numpy(queries.numpy() @ pool.numpy().T)
    return queries @ pool.T


def _unit(vectors: Vectors, place: torch.device) -> torch.Tensor:
    import torch

    block = torch.from_numpy(np.array(vectors, np.float32)).to(place)  # a copy: memory maps are read-only
    return torch.nn.functional.normalize(block, dim=1)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _check(queries: Vectors, pool: Vectors, k: int) -> None:
    if queries.ndim != 2 or pool.ndim != 2 or queries.shape[1] != pool.shape[1]:
        raise InputError(
            f"vectors of shape {queries.shape} cannot be compared with a pool of shape {pool.shape}",
            hint="both need one row for each text, from the same embedding model",
        )
    if k < 1:
        raise InputError(f"{k} neighbours cannot be sought", hint="seek at least one")
