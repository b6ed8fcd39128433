"""Batches of episodes without end, made by processes beside the one that trains, in an order that hangs on the seed."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

import numpy as np

from ranit_training.nano.branches import Branched, encode_branched
from ranit_training.nano.config import TrainConfig
from ranit_training.nano.corpus import Tokens
from ranit_training.nano.encode import prompts
from ranit_training.nano.episodes import Episodes
from ranit_training.nano.steps import Batch, fill_batch, packed
from ranit_training.nano.team import ALONE, Team

ItemT = TypeVar("ItemT")

AHEAD = 4  # batches that each process holds ready
EPISODES = 100_000  # numbers that a batch may use
_FILLED = 1.03  # tokens that are drawn for each that a batch holds: what does not fit is left out


@dataclass(frozen=True)
class Source:
    """What batches are made of: episodes, and the token ids of plain text."""

    episodes: Episodes
    plain: Tokens
    config: TrainConfig

    def plain_rows(self, number: int) -> int:
        """How many rows of a batch are plain text: a share that changes in a line over the run."""
        share = number / self.batches
        rows = self.config.plain_first + (self.config.plain_last - self.config.plain_first) * share
        return round(self.config.rows * rows)

    @property
    def batches(self) -> int:
        """Of the whole run."""
        return self.config.steps * self.config.parts

    @property
    def targets(self) -> int:
        """The most tokens that any batch learns."""
        most = max(self.plain_rows(0), self.plain_rows(self.batches))
        return self.config.answers + most * (self.config.length - 1)

    def batch(self, number: int) -> Batch:
        """The batch of this number, the same whoever makes it."""
        config = self.config
        plain_rows = self.plain_rows(number)
        rng = np.random.default_rng((config.seed, number))
        starts = rng.integers(len(self.plain) - config.length, size=plain_rows)
        plain = [self.plain[start : start + config.length] for start in starts]
        drawn = self._drawn(number, config.rows - plain_rows)
        rows = packed(range(len(drawn)), drawn, config.length)[: config.rows - plain_rows]
        kept = [[drawn[place] for place in row] for row in rows]
        return fill_batch(kept, (config.rows, config.length), self.targets, plain, config.plain_weight)

    def _drawn(self, batch: int, rows: int) -> list[Branched]:
        """Episodes for so many rows, as long as there is room for their answers."""
        room, answers = rows * self.config.length * _FILLED, self.config.answers
        found: list[Branched] = []
        for number in range(batch * EPISODES, (batch + 1) * EPISODES):
            one = encode_branched(self.episodes.episode(number), prompts(), self.config.length)
            if one is None or (learned := int(one.learned.sum())) > answers:
                continue
            found.append(one)
            room, answers = room - len(one), answers - learned
            if room <= 0 or answers < self.config.length // 16:
                break
        return found


def batches(source: Source, team: Team = ALONE, *, first: int = 0, processes: int = 0) -> Iterator[Batch]:
    """This device's batches of the steps from ``first`` on. ``processes``: how many make them; 0 is this one alone."""
    mine = team.part_of(source.config.parts)
    numbers = [step * source.config.parts + part for step in range(first, source.config.steps) for part in mine]
    if not processes:
        yield from map(source.batch, numbers)
        return
    context = get_context("fork")  # the records are shared, not copied
    gc.freeze()  # nor touched by each process's collector, which would copy them
    queues = [context.Queue(AHEAD) for _ in range(processes)]
    workers = [
        context.Process(target=_work, args=(source, numbers[place::processes], queue), daemon=True)
        for place, queue in enumerate(queues)
    ]
    for worker in workers:
        worker.start()
    try:
        for place in range(len(numbers)):
            made: Batch | Exception = queues[place % processes].get()
            if isinstance(made, Exception):
                raise made
            yield made
    finally:
        for worker in workers:
            worker.terminate()


def _work(source: Source, numbers: Sequence[int], queue: Any) -> None:
    with suppress(KeyboardInterrupt):
        try:
            for number in numbers:
                queue.put(source.batch(number))
        except Exception as error:  # told where it can be raised
            queue.put(error)


def ahead(items: Iterator[ItemT], count: int = 2) -> Iterator[ItemT]:
    """The same, fetched by a thread, ``count`` of them before they are asked for."""
    fetched: Queue[tuple[ItemT] | Exception | None] = Queue(count)

    def fetch() -> None:
        try:
            for item in items:
                fetched.put((item,))
            fetched.put(None)
        except Exception as error:  # told where it can be raised
            fetched.put(error)

    Thread(target=fetch, daemon=True).start()
    while (found := fetched.get()) is not None:
        if isinstance(found, Exception):
            raise found
        yield found[0]
