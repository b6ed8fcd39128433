"""Rivals: what the model wrote as entities of other types in overlapping places.

Each type is asked for by itself, so that a model may give one place to several of them, of which one as a rule is
right. How many they are tells how much an answer is worth, and counts in the score (``engines.calibration``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection

Place = tuple[int, int, str]
"""Where an entity starts and ends, and its type."""


def count_rivals(places: Collection[Place]) -> dict[Place, int]:
    """How many of the other places overlap each of them with another type; in n log n steps for n places."""
    starts: defaultdict[str | None, list[int]] = defaultdict(list)
    ends: defaultdict[str | None, list[int]] = defaultdict(list)
    for start, end, label in places:
        for group in (None, label):  # None: of all types
            starts[group].append(start)
            ends[group].append(end)
    for bounds in (*starts.values(), *ends.values()):
        bounds.sort()

    def overlapping(start: int, end: int, group: str | None) -> int:
        return bisect_left(starts[group], end) - bisect_right(ends[group], start)

    return {place: overlapping(*place[:2], None) - overlapping(*place) for place in places}
