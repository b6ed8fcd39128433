"""Texts that nearly repeat each other, found among many: what ``ranit_rag.text.duplicates`` says of two texts.

Each text is an array of hashed shingles, so that a pair is compared in microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ranit_rag.text.duplicates import (
    CONTAINED_SHINGLES,
    NEAR_CONTAINMENT,
    NEAR_JACCARD,
    shingles,
    text_fingerprint,
)
from ranit_rag.types import Example

Hashes = NDArray[np.int64]

LISTED = 100  # overlaps that a manifest names


@dataclass(frozen=True, slots=True)
class Sketch:
    """A text as the sorted hashes of its shingles; ``fingerprint`` is for texts that have none."""

    fingerprint: str
    hashes: Hashes

    @classmethod
    def of(cls, text: str) -> Sketch:
        parts = shingles(text)
        hashes = np.fromiter(map(hash, parts), np.int64, len(parts))
        hashes.sort()
        return cls(text_fingerprint(text), hashes)

    def repeats(self, other: Sketch) -> bool:
        """Whether the two texts nearly repeat each other."""
        shorter, longer = sorted((self.hashes, other.hashes), key=len)
        if len(shorter) < NEAR_JACCARD * len(longer) and len(shorter) < CONTAINED_SHINGLES:
            return False
        shared = _shared(shorter, longer)
        if not shared:
            return self.fingerprint == other.fingerprint
        if len(shorter) >= CONTAINED_SHINGLES and shared >= NEAR_CONTAINMENT * len(shorter):
            return True
        return shared >= NEAR_JACCARD * (len(shorter) + len(longer) - shared)


def _shared(shorter: Hashes, longer: Hashes) -> int:
    if not len(longer):
        return 0
    places = np.searchsorted(longer, shorter)
    return int((longer[np.minimum(places, len(longer) - 1)] == shorter).sum())


class SketchIndex:
    """Finds the texts of a set that another text nearly repeats, without comparing it to each.

    Of two such texts the shorter shares at least four fifths of its shingles with the longer. So among any fifth of the
    shorter's shingles and one more, there is one that the longer has: the rarest ones are looked up.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._sketches = [Sketch.of(text) for text in texts]
        self._held = Counter[int]()
        for sketch in self._sketches:
            self._held.update(sketch.hashes.tolist())
        self._holders: dict[int, list[int]] = {}
        self._rare_holders: dict[int, list[int]] = {}
        self._same: dict[str, list[int]] = {}
        for number, sketch in enumerate(self._sketches):
            self._same.setdefault(sketch.fingerprint, []).append(number)
            for value in sketch.hashes.tolist():
                self._holders.setdefault(value, []).append(number)
            for value in self._rarest(sketch):
                self._rare_holders.setdefault(value, []).append(number)

    def _rarest(self, sketch: Sketch) -> list[int]:
        values = sorted(sketch.hashes.tolist(), key=lambda value: self._held[value])
        return values[: len(values) // 5 + 1]

    def find(self, text: str) -> tuple[list[int], list[int]]:
        """The texts, by their numbers, that are the same but for case, width and blanks, and those nearly repeated."""
        sketch = Sketch.of(text)
        same = self._same.get(sketch.fingerprint, [])
        candidates = {number for value in self._rarest(sketch) for number in self._holders.get(value, ())}
        for value in sketch.hashes.tolist():
            candidates.update(self._rare_holders.get(value, ()))
        near = [number for number in sorted(candidates - set(same)) if sketch.repeats(self._sketches[number])]
        return same, near


@dataclass(frozen=True, slots=True)
class Overlap:
    """A record that repeats an evaluation text, or nearly does."""

    record: str
    evaluation: str
    kind: Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Contamination:
    """What records share with evaluation texts: the first overlap of each record."""

    overlaps: tuple[Overlap, ...]
    records: int
    evaluation_texts: int

    @property
    def contaminated(self) -> frozenset[str]:
        """The ids of the records that overlap."""
        return frozenset(overlap.record for overlap in self.overlaps)

    def to_dict(self) -> dict[str, Any]:
        """Counts, and the first overlaps by name."""
        kinds = Counter(overlap.kind for overlap in self.overlaps)
        listed = [(overlap.record, overlap.evaluation, overlap.kind) for overlap in self.overlaps[:LISTED]]
        return {
            "records": self.records,
            "evaluation_texts": self.evaluation_texts,
            "exact": kinds["exact"],
            "near": kinds["near"],
            "overlaps": listed,
        }


def find_contamination(records: Sequence[Example], evaluation: Sequence[Example]) -> Contamination:
    """Which records repeat evaluation texts. Time grows with the records, and little with the evaluation texts."""
    index = SketchIndex(example.text for example in evaluation)
    overlaps = []
    for record in records:
        same, near = index.find(record.text)
        if same or near:
            kind: Literal["exact", "near"] = "exact" if same else "near"
            overlaps.append(Overlap(record.id, evaluation[(same or near)[0]].id, kind))
    return Contamination(tuple(overlaps), len(records), len(evaluation))
