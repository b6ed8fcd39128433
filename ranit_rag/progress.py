"""A progress bar on standard error for work that takes its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")


class Bar:
    """How much is done, as somebody sees it or, without a bar to draw, nobody does."""

    def __init__(self, drawn: tuple[Progress, TaskID] | None) -> None:
        self._drawn = drawn

    def expect(self, total: int) -> None:
        """Say how much there is to do."""
        if self._drawn is not None:
            progress, task = self._drawn
            progress.update(task, total=total)

    def show(self, done: int) -> None:
        """Say how much is done by now."""
        if self._drawn is not None:
            progress, task = self._drawn
            progress.update(task, completed=done)


@contextmanager
def progress_bar(what: str, *, shown: bool, total: int | None = None) -> Iterator[Bar]:
    """A bar with the number of what is done, the rate and the time left (where ``total`` is known); gone at the end."""
    if not shown:
        yield Bar(None)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar((progress, progress.add_task(what, total=total)))


def track(items: Iterable[T], *, total: int | None, shown: bool, what: str = "texts") -> Iterator[T]:
    """Yield ``items``; if ``shown``, draw how many came."""
    with progress_bar(what, shown=shown, total=total) as bar:
        for number, item in enumerate(items, start=1):
            yield item
            bar.show(number)
