"""How far a corpus run is: a bar on a terminal, and in a log a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from ranit_rag.corpus.files import Corpus
    from ranit_rag.corpus.run import Progress
    from ranit_rag.corpus.summary import Prices

Show = Callable[["Progress"], None]

EVERY = 60.0  # seconds between the lines of a log


@contextmanager
def followed(
    corpus: Corpus, prices: Prices | None, stream: TextIO, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Show]:
    """What a run tells its progress to: the share of the bytes that were read, with the records, their rate, the
    tokens, the cost and the time left, as a bar where ``stream`` is a terminal, else a line each minute."""
    if not stream.isatty():
        yield _Lines(corpus, prices, stream, clock)
        return
    with _bar(corpus, prices, stream) as show:
        yield show


@contextmanager
def _bar(corpus: Corpus, prices: Prices | None, stream: TextIO) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream), transient=True, speed_estimate_period=120) as bar:
        task = bar.add_task("", total=corpus.size or None)

        def show(progress: Progress) -> None:
            told = _told(progress, prices, bar.tasks[0].elapsed or 0.0)
            bar.update(task, completed=corpus.position, description=" · ".join(told))

        yield show


class _Lines:
    """For a run that nobody watches, as under nohup or in a container."""

    def __init__(self, corpus: Corpus, prices: Prices | None, stream: TextIO, clock: Callable[[], float]) -> None:
        self._corpus = corpus
        self._prices = prices
        self._stream = stream
        self._clock = clock
        self._begun = self._written = clock()
        self._first_asked: tuple[float, int] | None = None  # when, and at which byte

    def __call__(self, progress: Progress) -> None:
        now, place = self._clock(), self._corpus.position
        if self._first_asked is None and progress.asked:  # what an earlier run has done goes by in no time
            self._first_asked = now, place
        if now - self._written < EVERY:
            return
        self._written = now
        share = f"{place / self._corpus.size:.0%}" if self._corpus.size else ""
        told = _told(progress, self._prices, now - self._begun)
        click.echo(" · ".join(filter(None, [share, *told, self._left(now, place)])), file=self._stream)

    def _left(self, now: float, place: int) -> str:
        since, first = self._first_asked or (now, place)
        if place <= first:
            return ""
        seconds = (now - since) / (place - first) * (self._corpus.size - place)
        return f"{timedelta(seconds=round(seconds))} left"


def _told(progress: Progress, prices: Prices | None, seconds: float) -> list[str]:
    parts = [f"{progress.records:,} records", f"{progress.asked / max(seconds, 0.001):.1f}/s"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    tokens = progress.spent.get("prompt_tokens", 0) + progress.spent.get("output_tokens", 0)
    parts.append(f"{tokens:,} tokens")
    if prices is not None:
        parts.append(f"cost {prices.cost(progress.spent):.2f}")
    return parts
