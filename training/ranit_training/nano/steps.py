"""The steps of tuning: conversations packed into batches that all have one shape, so that a GPU compiles once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import DataError
from ranit_training.nano.branches import MOST, Branched, codes

IGNORED = -100

Row = list[int]  # numbers of the conversations in it
Plain = NDArray[np.uint16]  # tokens of plain text, as many as a row has


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of ``[rows, length]``; ``places`` ``[targets]`` of the flattened rows predict ``targets``.

    Each target counts by its weight. Unused rows and places are filled: with zeros, and with IGNORED targets.
    """

    ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    codes: NDArray[np.int32]
    places: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]


def fill_batch(
    rows: Sequence[Sequence[Branched]],
    shape: tuple[int, int],
    targets: int,
    plain: Sequence[Plain] = (),
    weight: float = 1,
) -> Batch:
    """A batch of ``shape`` (rows, length): packed conversations, whose answers are learned, then rows of plain text.

    Of plain text every token is learned, and counts ``weight`` of one of an answer.
    """
    ids, positions, coded = (np.zeros(shape, np.int32) for _ in range(3))
    weights = np.zeros(shape, np.float32)
    for number, packed in enumerate(rows):
        used = slice(sum(map(len, packed)))
        ids[number, used] = np.concatenate([one.ids for one in packed])
        positions[number, used] = np.concatenate([one.positions for one in packed])
        weights[number, used] = np.concatenate([one.learned for one in packed])
        coded[number, used] = codes(packed)
    for number, tokens in enumerate(plain, start=len(rows)):
        ids[number], positions[number], coded[number] = tokens, np.arange(shape[1]), MOST
        weights[number, 1:] = weight
    found = np.flatnonzero(weights)
    places, learned = np.zeros(targets, np.int32), np.full(targets, IGNORED, np.int32)
    places[: len(found)] = found - 1  # an answer's first token stands behind the turn's opening, in the same row
    learned[: len(found)] = ids.reshape(-1)[found]
    counted = np.zeros(targets, np.float32)
    counted[: len(found)] = weights.reshape(-1)[found]
    return Batch(ids, positions, coded, places, learned, counted)


@dataclass(frozen=True)
class Plan:
    """Which conversations each step learns. ``rows`` and ``targets`` are what the largest step needs, or more."""

    conversations: Sequence[Branched]
    steps: list[list[Row]]
    length: int
    rows: int
    targets: int

    @cached_property
    def filling(self) -> float:
        """The share of tokens that are not padding."""
        used = sum(len(self.conversations[n]) for step in self.steps for row in step for n in row)
        return used / (len(self.steps) * self.rows * self.length)

    def batch(self, step: int) -> Batch:
        rows = [[self.conversations[n] for n in row] for row in self.steps[step]]
        return fill_batch(rows, (self.rows, self.length), self.targets)


def plan_steps(
    conversations: Sequence[Branched], batch: int, length: int, epochs: float, seed: int, *, rows: int = 0
) -> Plan:
    """Each epoch reads all conversations in a new order. ``rows``: have at least so many. Raises DataError."""
    if len(conversations) < batch:
        raise DataError(f"{len(conversations)} conversations are less than a step of {batch}", hint="a smaller batch")
    rng = random.Random(seed)
    each = len(conversations) // batch
    steps: list[list[Row]] = []
    for _ in range(max(1, round(each * epochs))):
        if len(steps) % each == 0:
            order = rng.sample(range(len(conversations)), len(conversations))
        first = len(steps) % each * batch
        steps.append(packed(order[first : first + batch], conversations, length))
    learned = [int(one.learned.sum()) for one in conversations]
    most = max(sum(learned[n] for row in step for n in row) for step in steps)
    return Plan(conversations, steps, length, max(rows, *map(len, steps)), _rounded(most))


def packed(numbers: Sequence[int], conversations: Sequence[Branched], length: int) -> list[Row]:
    """First fit, the longest first."""
    rows: list[Row] = []
    room: list[int] = []
    for number in sorted(numbers, key=lambda n: -len(conversations[n])):
        size = len(conversations[number])
        place = next((i for i, left in enumerate(room) if left >= size), None)
        if place is None:
            place = len(rows)
            rows.append([])
            room.append(length)
        rows[place].append(number)
        room[place] -= size
    return rows


def _rounded(count: int) -> int:
    return -(-count // 1024) * 1024
