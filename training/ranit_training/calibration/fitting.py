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
_DEAREST = 2.0  # what rivals cost at most
_NO_DOUBT = 1e-4  # a mean loss that only a slope without bounds gives


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The mentions of one set: the model's probability of each, 1 where it is right, else 0, and its rivals."""

    probabilities: Array
    right: Array
    rivals: Array

    @classmethod
    def of(cls, probabilities: ArrayLike, right: ArrayLike, rivals: ArrayLike | None = None) -> Outcomes:
        known = np.zeros(np.shape(right)) if rivals is None else rivals
        return cls(*(np.asarray(each, np.float64) for each in (probabilities, right, known)))


def fit(sets: Sequence[Outcomes]) -> ScoreCalibration:
    """The temperature T, bias b and weight r of the greatest likelihood of ``right ~ sigmoid(logit(p) / T + b - r ·
    log(1 + rivals))``, by Newton.

    r is 0 where that would be below it, or the mentions do not settle it. It is at most 2: where none of a few mentions
    with rivals is right, that is no proof that none ever is.

    A mention of a set of n counts 1/n, so that a set with many does not drown the others. Raises DataError where the
    mentions do not settle them, or the surer are not the righter ones.
    """
    sets = [each for each in sets if each.right.size]
    right = np.concatenate([each.right for each in sets] or [np.empty(0)])
    if right.size == 0 or right.min() == right.max():
        raise DataError("all mentions are right, or all are wrong", hint=_MORE)
    weights = np.concatenate([np.full(each.right.size, 1 / each.right.size) for each in sets]) / len(sets)
    clipped = np.clip(np.concatenate([each.probabilities for each in sets]), CLIP, 1 - CLIP)
    if np.ptp(clipped) == 0:
        raise DataError(f"all mentions have the probability {clipped[0]:g}", hint=_MORE)
    features = np.stack([np.log(clipped / (1 - clipped)), np.ones_like(clipped)], axis=1)
    alone = _maximum(features, right, weights)
    if alone is None:
        raise DataError(f"{right.size} mentions do not settle a temperature and a bias", hint=_MORE)
    shared = -np.log1p(np.concatenate([each.rivals for each in sets]))
    beside = _maximum(np.column_stack([features, shared]), right, weights) if np.ptp(shared) > 0 else None
    slope, bias, rivals = beside if beside is not None and beside[2] > 0 else [*alone, 0.0]
    if slope <= 0:
        raise DataError("the mentions that the model is surer of are not more often right", hint=_MORE)
    return ScoreCalibration(round(1 / slope, 6), round(bias, 6), rivals=round(min(rivals, _DEAREST), 6))


def held_out(sets: Sequence[Outcomes]) -> list[ScoreCalibration]:
    """For each set the fit on all others: what texts of an unknown kind would see."""
    return [fit([*sets[:place], *sets[place + 1 :]]) for place in range(len(sets))]


def calibrated(calibration: ScoreCalibration, outcomes: Outcomes) -> Array:
    """The scores of mentions."""
    pairs = zip(outcomes.probabilities, outcomes.rivals, strict=True)
    return np.array([calibration(float(probability), int(rivals)) for probability, rivals in pairs])


def _maximum(features: Array, right: Array, weights: Array) -> list[float] | None:
    """Newton's method on the convex loss ``Σ w · log(1 + exp(-y x·θ))``, with steps that are halved until it falls.

    None where the loss has no minimum, or hardly one.
    """
    signs = np.where(right > 0, -1.0, 1.0)
    found: Array = np.eye(features.shape[1])[0]

    def loss(place: Array) -> float:
        return float(weights @ np.logaddexp(0, signs * (features @ place)))

    for _ in range(_STEPS):
        if loss(found) < _NO_DOUBT:
            break
        predicted = 1 / (1 + np.exp(-np.clip(features @ found, -500, 500)))
        gradient = features.T @ (weights * (predicted - right))
        if np.abs(gradient).max() < _FLAT:
            return [float(each) for each in found]
        curvature = features.T @ (features * (weights * predicted * (1 - predicted))[:, None])
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while loss(found - size * step) > loss(found) and size > 1e-6:
            size /= 2
        found = found - size * step
    return None
