"""Lanes: batches on their way to an engine, one at a time or many side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit

_MOST_CHARACTERS = 8_000_000  # under way at once, so that long texts side by side do not fill the memory
_TOGETHER = 4  # texts for a server: fewer cost more changes between threads, more wait longer for their slowest


@dataclass(frozen=True, slots=True)
class Lanes:
    """How a corpus reaches the engine: ``texts`` in a batch, and ``abreast`` batches at once."""

    texts: int = 32
    abreast: int = 1

    @classmethod
    def suiting(cls, ner: Ranit) -> Lanes:
        """A server batches by itself: it gets many small batches side by side. An engine in this process gets one.

        With twice as many texts as requests, the next prompts are ready when a request ends.
        """
        if ner.engine.info.name == "openai":
            return cls(_TOGETHER, abreast=max(2 * ner.settings.concurrency // _TOGETHER, 2))
        return cls()


class Batch(Protocol):
    @property
    def characters(self) -> int: ...


B = TypeVar("B", bound=Batch)
R = TypeVar("R")


def answered(ask: Callable[[B], R], batches: Iterator[B], abreast: int) -> Iterator[tuple[B, R]]:
    """Each batch with what ``ask`` made of it, as soon as it is there; ``ask`` runs in threads where it is many.

    ``batches`` is read in the caller's thread, and no further than there is room.
    """
    if abreast == 1:
        for batch in batches:
            yield batch, ask(batch)
        return
    running: dict[Future[R], B] = {}
    pool = ThreadPoolExecutor(abreast, thread_name_prefix="ranit-corpus")
    try:
        for batch in batches:
            while running and sum(each.characters for each in running.values()) + batch.characters > _MOST_CHARACTERS:
                yield from _ended(running)
            running[pool.submit(ask, batch)] = batch
            if len(running) >= abreast:
                yield from _ended(running)
        while running:
            yield from _ended(running)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ended(running: dict[Future[R], B]) -> Iterator[tuple[B, R]]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future.result()
