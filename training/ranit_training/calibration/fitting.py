"""Platt scaling of the log odds by maximum likelihood, with the same weight for each set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranit_rag.engines.calibration import CLIP, ScoreCalibration
from ranit_rag.errors import DataError

Array = NDArray[np.float64]

_MORE = "give more texts, or other sets"
_STEPS = 100
_FLAT = 1e-9  # the gradient at which the likelihood has its maximum
_NO_DOUBT = 1e-4  # a mean loss that only a slope without bounds gives


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The mentions of one set: the model's probability of each, and 1 where it is right, else 0."""

    probabilities: Array
    right: Array

    @classmethod
    def of(cls, probabilities: ArrayLike, right: ArrayLike) -> Outcomes:
        return cls(np.asarray(probabilities, np.float64), np.asarray(right, np.float64))


def fit(sets: Sequence[Outcomes]) -> ScoreCalibration:
    """The temperature T and bias b of the greatest likelihood of ``right ~ sigmoid(logit(p) / T + b)``, by Newton.

    A mention of a set of n counts 1/n, so that a set with many does not drown the others. Raises DataError where the
    mentions do not settle them, or the surer are not the righter ones.
    """
    sets = [each for each in sets if each.right.size]
    right = np.concatenate([each.right for each in sets] or [np.empty(0)])
    if right.size == 0 or right.min() == right.max():
        raise DataError("all mentions are right, or all are wrong", hint=_MORE)
    weights = np.concatenate([np.full(each.right.size, 1 / each.right.size) for each in sets]) / len(sets)
    clipped = np.clip(np.concatenate([each.probabilities for each in sets]), CLIP, 1 - CLIP)
    features = np.stack([np.log(clipped / (1 - clipped)), np.ones_like(clipped)], axis=1)
    if np.ptp(clipped) == 0:
        raise DataError(f"all mentions have the probability {clipped[0]:g}", hint=_MORE)
    slope, bias = _maximum(features, right, weights)
    if slope <= 0:
        raise DataError("the mentions that the model is surer of are not more often right", hint=_MORE)
    return ScoreCalibration(round(1 / slope, 6), round(bias, 6))


def held_out(sets: Sequence[Outcomes]) -> list[ScoreCalibration]:
    """For each set the fit on all others: what texts of an unknown kind would see."""
    return [fit([*sets[:place], *sets[place + 1 :]]) for place in range(len(sets))]


def calibrated(calibration: ScoreCalibration | None, probabilities: Array) -> Array:
    """The scores of probabilities; these themselves without a calibration."""
    if calibration is None:
        return probabilities
    return np.array([calibration(float(each)) for each in probabilities])


def _maximum(features: Array, right: Array, weights: Array) -> tuple[float, float]:
    """Newton's method on the convex loss ``Σ w · log(1 + exp(-y x·θ))``, with steps that are halved until it falls."""
    signs = np.where(right > 0, -1.0, 1.0)
    found: Array = np.array([1.0, 0.0])

    def loss(place: Array) -> float:
        return float(weights @ np.logaddexp(0, signs * (features @ place)))

    for _ in range(_STEPS):
        if loss(found) < _NO_DOUBT:
            break
        predicted = 1 / (1 + np.exp(-np.clip(features @ found, -500, 500)))
        gradient = features.T @ (weights * (predicted - right))
        if np.abs(gradient).max() < _FLAT:
            return float(found[0]), float(found[1])
        curvature = features.T @ (features * (weights * predicted * (1 - predicted))[:, None])
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while loss(found - size * step) > loss(found) and size > 1e-6:
            size /= 2
        found = found - size * step
    raise DataError(f"{right.size} mentions do not settle a temperature and a bias", hint=_MORE)
