"""What was found, what is there, and what is in both: precision, recall and F1."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Mentions found rightly, all that were found, all that there are. ``right`` may be broken: a part counts half."""

    right: float = 0
    found: int = 0
    there: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.found + other.found, self.there + other.there)

    @property
    def precision(self) -> float:
        """0 where nothing was found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """0 where there is nothing to find."""
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both, 2 · right / (found + there); 0 where nothing was found and nothing is there."""
        return 2 * self.right / (self.found + self.there) if self.found + self.there else 0.0


def total(counts: Iterable[Counts]) -> Counts:
    """The sum; its F1 is the micro average."""
    return sum(counts, Counts())


def set_counts(predicted: Iterable[Hashable], gold: Iterable[Hashable]) -> Counts:
    """What two sets share."""
    found, there = set(predicted), set(gold)
    return Counts(len(found & there), len(found), len(there))
