"""From a model's probability of a mention to the share of such mentions that is right (Platt, 1999; on the logit)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ranit_rag.errors import InputError

CLIP = 1e-6  # probabilities count as at least this far from 0 and from 1


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """``score = sigmoid(logit(p) / temperature + bias - rivals · log(1 + n))``.

    n is how many entities of other types overlap the mention's place (``ranit_rag.rivals``). With ``rivals`` of 1 they
    share its odds; of two mentions with the same n the order never changes. ``fitted_on`` says on what it was learned.
    Raises InputError where the temperature is not above 0, ``rivals`` is below 0, or a number is not finite.
    """

    temperature: float
    bias: float
    fitted_on: Mapping[str, Any] = field(default_factory=dict, hash=False)
    rivals: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0 and math.isfinite(self.bias)):
            raise InputError(
                f"the temperature is {self.temperature} and the bias {self.bias}",
                hint="the temperature must be a number above 0, the bias a number",
            )
        if not (math.isfinite(self.rivals) and self.rivals >= 0):
            raise InputError(f"the weight of rivals is {self.rivals}", hint="it must be a number from 0 on")

    def __call__(self, probability: float, rivals: int = 0) -> float:
        """The calibrated score of a model's probability, to six decimals, beside as many ``rivals``."""
        odds = logit(probability) / self.temperature + self.bias - self.rivals * math.log1p(rivals)
        return round(sigmoid(odds), 6)


def logit(probability: float) -> float:
    """The log odds of a probability, clipped away from 0 and 1."""
    clipped = min(max(probability, CLIP), 1 - CLIP)
    return math.log(clipped / (1 - clipped))


def sigmoid(odds: float) -> float:
    """The probability of log odds of any size."""
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))
