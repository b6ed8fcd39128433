"""Whether probabilities mean what they say, and what is gained by keeping only the surer answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
THRESHOLDS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The ``count`` predictions with a probability in ``[low, high)``: its mean, and the share that was right."""

    low: float
    high: float
    count: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left when answers below ``threshold`` are withheld: the share ``kept`` of them, and their scores."""

    threshold: float
    kept: float
    precision: float
    recall: float
    f1: float


def reliability_curve(probabilities: ArrayLike, outcomes: ArrayLike) -> list[ReliabilityBin]:
    """Ten bins of equal width; empty ones are left out. ``outcomes`` are 1 where the prediction is right."""
    predicted, observed = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    numbers = np.minimum((predicted * BINS).astype(int), BINS - 1)
    curve = []
    for number in range(BINS):
        inside = numbers == number
        if inside.any():
            low, high = number / BINS, (number + 1) / BINS
            means = float(predicted[inside].mean()), float(observed[inside].mean())
            curve.append(ReliabilityBin(low, high, int(inside.sum()), *means))
    return curve


def calibration_error(probabilities: ArrayLike, outcomes: ArrayLike) -> float:
    """The expected calibration error: mean distance of predicted and observed share over the bins, weighted by size."""
    curve = reliability_curve(probabilities, outcomes)
    count = sum(each.count for each in curve)
    return sum(each.count * abs(each.predicted - each.observed) for each in curve) / count if count else 0.0


def abstention_curve(scores: ArrayLike, outcomes: ArrayLike, there: int) -> list[Kept]:
    """Precision, recall and F1 against the share of predictions kept, as the least score rises from 0 to 0.95.

    ``there`` is the number of mentions to find, whether predicted or not.
    """
    given, right = np.asarray(scores, np.float64), np.asarray(outcomes, np.float64)
    return [_kept(threshold, given, right[given >= threshold], there) for threshold in THRESHOLDS] if given.size else []


def _kept(threshold: float, scores: NDArray[np.float64], outcomes: NDArray[np.float64], there: int) -> Kept:
    found, right = len(outcomes), float(outcomes.sum())
    precision, recall = right / max(found, 1), right / max(there, 1)
    return Kept(threshold, found / len(scores), precision, recall, 2 * right / max(found + there, 1))
