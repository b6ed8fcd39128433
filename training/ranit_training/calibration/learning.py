"""From what was found to a calibration, its error on sets that it has not seen, and which entities should survive.

Everything that is reported of a set was learned from the others. With calibrated probabilities the least score of the
best F1 is half of that F1 (Lipton et al., 2014, arXiv 1402.1892), which checks the one that is found by trying.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import sqrt
from typing import Any

import numpy as np

from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.errors import InputError
from ranit_rag.evaluation.counts import Counts, total
from ranit_rag.evaluation.metrics import mention_counts
from ranit_rag.evaluation.reliability import calibration_error
from ranit_rag.overlaps import Decoding, Overlaps, survivors
from ranit_rag.types import Entity
from ranit_training.calibration.finding import FoundSet
from ranit_training.calibration.fitting import calibrated, fit, held_out

LEAST_SCORES = tuple(step / 20 for step in range(13))  # 0 to 0.6
OVERLAPS: tuple[Overlaps, ...] = ("keep", "flat")
KEEP = Decoding("keep", 0.0)
FEWEST_SETS = 3


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set by what was learned from the others: the calibration error before and after, micro F1 as everything is
    kept and as the recommended decoding keeps it."""

    name: str
    split: str
    texts: int
    mentions: int
    right: int
    ece_before: float
    ece_after: float
    f1_keep: float
    f1_recommended: float
    sha256: str


@dataclass(frozen=True, slots=True)
class Learned:
    """``f1`` has the mean over sets of the micro F1 for each decoding that was tried: overlaps, least score, F1."""

    calibration: ScoreCalibration
    decoding: Decoding
    sets: tuple[SetResult, ...]
    f1: tuple[tuple[Overlaps, float, float], ...]

    def mean(self, field: str) -> float:
        """The mean of a number over the sets."""
        return float(np.mean([getattr(each, field) for each in self.sets]))

    def to_dict(self) -> dict[str, Any]:
        means = ("ece_before", "ece_after", "f1_keep", "f1_recommended")
        return {
            "temperature": self.calibration.temperature,
            "bias": self.calibration.bias,
            "rivals": self.calibration.rivals,
            "decoding": asdict(self.decoding),
            "mean": {name: round(self.mean(name), 4) for name in means},
            "half_of_best_f1": round(max(f1 for *_, f1 in self.f1) / 2, 4),
            "sets": [asdict(each) for each in self.sets],
            "f1": [[overlaps, least, round(f1, 4)] for overlaps, least, f1 in self.f1],
        }


def learn(sets: Sequence[FoundSet]) -> Learned:
    """Fit the calibration on all sets; choose the decoding of the best mean F1 with each set scored by the others.

    Of decodings with the same F1 the first is taken: keep before flat, the lower least score. Flat takes entities away
    that a user may have asked for, so what it gains must be more than chance: twice its standard error over the sets.
    Raises InputError for fewer than three sets, and DataError as ``fit`` does.
    """
    if len(sets) < FEWEST_SETS:
        raise InputError(
            f"{len(sets)} sets are too few to learn from some and measure on another",
            hint=f"give {FEWEST_SETS} files at least, of texts as different as those that the model will meet",
        )
    outcomes = [each.outcomes for each in sets]
    others = held_out(outcomes)
    scored = [each.scored(calibration) for each, calibration in zip(sets, others, strict=True)]
    tried = {
        decoding: [_f1(each, decoding) for each in scored]
        for decoding in (Decoding(*way) for way in product(OVERLAPS, LEAST_SCORES))
    }
    best = _best(tried)
    results = [
        SetResult(
            name=each.evaluated.name,
            split=each.evaluated.split,
            texts=len(each.found),
            mentions=found.right.size,
            right=int(found.right.sum()),
            ece_before=round(calibration_error(found.probabilities, found.right), 4),
            ece_after=round(calibration_error(calibrated(calibration, found), found.right), 4),
            f1_keep=round(tried[KEEP][place], 4),
            f1_recommended=round(tried[best][place], 4),
            sha256=each.evaluated.digest,
        )
        for place, (each, found, calibration) in enumerate(zip(sets, outcomes, others, strict=True))
    ]
    means = tuple((d.overlaps or "keep", d.min_score or 0.0, float(np.mean(f1))) for d, f1 in tried.items())
    return Learned(fit(outcomes), best, tuple(results), means)


def _best(tried: Mapping[Decoding, Sequence[float]]) -> Decoding:
    """The decoding of the best mean; ``tried`` has the F1 of each set."""

    def mean(decoding: Decoding) -> float:
        return float(np.mean(tried[decoding]))

    best = max(tried, key=mean)
    kept = max((decoding for decoding in tried if decoding.overlaps == "keep"), key=mean)
    gains = np.subtract(tried[best], tried[kept])
    return best if gains.mean() > 2 * gains.std(ddof=1) / sqrt(len(gains)) else kept


def text_counts(entities: Sequence[Entity], gold: Sequence[Entity], types: Sequence[str], decoding: Decoding) -> Counts:
    """UniversalNER's counts of one text for what survives of the entities, which are in the order of their start."""
    kept, _ = survivors(entities, decoding, {name: place for place, name in enumerate(types)})
    return total(mention_counts(_strings(kept), _strings(gold), types).values())


def _f1(found: FoundSet, decoding: Decoding) -> float:
    types = found.evaluated.types
    texts = zip(found.found, found.gold, strict=True)
    return total(text_counts(entities, gold, types, decoding) for entities, gold in texts).f1


def _strings(entities: Sequence[Entity]) -> dict[str, list[str]]:
    strings: dict[str, list[str]] = {}
    for entity in entities:
        strings.setdefault(entity.label, []).append(entity.text)
    return strings
