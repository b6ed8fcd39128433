"""How fast a server lets itself be asked: one pause for all requests when it says that it has had enough."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 60.0  # seconds, where the server names none


class Pace:
    """Requests wait in ``ready``; ``hold`` makes them wait. ``waited`` is the time since the server last answered."""

    def __init__(self) -> None:
        self._until = 0.0
        self._refusals = 0
        self._answered = time.monotonic()

    async def ready(self) -> None:
        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left + random.uniform(0, 0.05 * left))  # not all in the same instant

    def hold(self, seconds: float | None) -> None:
        """Pause all requests; without a number of seconds for twice as long each time, up to a minute."""
        now = time.monotonic()
        if seconds is None:
            if now < self._until:
                return  # a refusal from before the pause that another one began
            seconds = min(2.0**self._refusals, LONGEST_PAUSE)
            self._refusals += 1
        self._until = max(self._until, now + seconds)

    def answered(self) -> None:
        self._refusals = 0
        self._answered = time.monotonic()

    @property
    def waited(self) -> float:
        return time.monotonic() - self._answered


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a response asks to wait (``Retry-After`` as a number or a date, ``retry-after-ms``), or None."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            return max(float(value) * unit, 0.0)
        except ValueError:
            pass
        try:
            return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
        except ValueError:
            pass
    return None
