"""How sure a score is, and whether one run is better than another on the same texts.

Texts are the units: their mentions hang together. The score of several sets is the mean of each one's micro F1, as in
the papers; texts are drawn anew within each set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import InputError
from ranit_rag.evaluation.counts import Counts

RESAMPLES = 2000
LEVEL = 0.95

Sample = Mapping[str, Sequence[Counts]]
"""For each set the counts of its texts, in order."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with the bounds of its bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """``difference`` is the second run's score less the first one's, with its paired bootstrap interval.

    ``p_value`` is the chance of a difference at least as large if the runs were interchangeable on every text:
    approximate randomisation (Noreen 1989; Yeh 2000), two-sided.
    """

    difference: Estimate
    p_value: float
    texts: int


def estimate_f1(sample: Sample, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The mean over sets of the micro F1, with the interval that ``level`` of the resamples fall into."""
    arrays = _arrays(sample)
    return _estimate(_score(arrays), _resampled(arrays, resamples, seed), level)


def compare_f1(
    first: Sample, second: Sample, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """The difference of two runs on the same texts. Raises InputError where they are not the same in number."""
    sizes, others = ({name: len(rows) for name, rows in sample.items()} for sample in (first, second))
    if sizes != others:
        raise InputError(
            f"the runs are not on the same texts: {sizes} and {others}", hint="compare runs of the same sets and sample"
        )
    one, other = _arrays(first), _arrays(second)
    difference = _score(other) - _score(one)
    # The same seed draws the same texts for both.
    spread = _resampled(other, resamples, seed) - _resampled(one, resamples, seed)
    chance = np.abs(_swapped(one, other, resamples, seed)) >= abs(difference) - 1e-12
    p_value = float((1 + chance.sum()) / (1 + resamples))
    return Comparison(_estimate(difference, spread, level), p_value, sum(sizes.values()))


def _arrays(sample: Sample) -> dict[str, Array]:
    """float64 ``[texts, 3]`` for each set: right, found, there."""
    return {
        name: np.array([astuple(counts) for counts in rows], dtype=np.float64).reshape(-1, 3)
        for name, rows in sample.items()
    }


def _score(arrays: Mapping[str, Array]) -> float:
    return float(np.mean([_f1(rows.sum(axis=0)) for rows in arrays.values()])) if arrays else 0.0


def _f1(sums: Array) -> Array:
    """Of sums ``[…, 3]``."""
    f1: Array = 2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1)
    return f1


def _resampled(arrays: Mapping[str, Array], resamples: int, seed: int) -> Array:
    """The score of each resample: texts drawn with replacement, as many as there are."""
    rng = np.random.default_rng(seed)
    scores = np.zeros(resamples)
    for rows in arrays.values():
        times = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
        scores += _f1(times @ rows) / len(arrays)
    return scores


def _swapped(one: Mapping[str, Array], other: Mapping[str, Array], resamples: int, seed: int) -> Array:
    """The difference of the scores after each text's results changed sides by the toss of a coin."""
    rng = np.random.default_rng(seed)
    differences = np.zeros(resamples)
    for name, rows in one.items():
        moved = rng.integers(2, size=(resamples, len(rows))) @ (other[name] - rows)
        differences += (_f1(other[name].sum(axis=0) - moved) - _f1(rows.sum(axis=0) + moved)) / len(one)
    return differences


def _estimate(value: float, spread: Array, level: float) -> Estimate:
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))
