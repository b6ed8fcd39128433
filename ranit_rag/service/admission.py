"""The queue at the door: how many texts are in hand, and from which on more are refused."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ranit_rag.service.errors import RefusedError

_FORGETTING = 0.1  # of what was known of the rate, with each text
_LONGEST = 60  # seconds that a client is told to wait


class Admission:
    """Counts the texts in hand, of which there are ``most``; used on the event loop alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pace = 0.5  # seconds from one text's end to the next's while there is work, learned as they end
        self._last = 0.0
        self.texts = 0
        self.closed = False

    @contextmanager
    def admitted(self, texts: int) -> Iterator[None]:
        """Hold places for texts. Raises RefusedError: 503 where the server stops, 429 where the queue is full."""
        if self.closed:
            raise stopping()
        if self.texts + texts > self._most:
            wait = min(max(math.ceil((self.texts + texts - self._most) * self._pace), 1), _LONGEST)
            raise RefusedError(
                429,
                "QueueFull",
                f"{self.texts} texts are in hand, and the queue holds {self._most}",
                hint=f"ask again in {wait} seconds",
                headers={"Retry-After": str(wait)},
            )
        if not self.texts:
            self._last = time.monotonic()
        self.texts += texts
        try:
            yield
        finally:
            self.texts -= texts
            self._learn(texts)

    def _learn(self, texts: int) -> None:
        now = time.monotonic()
        pace, self._last = (now - self._last) / texts, now
        self._pace += _FORGETTING * (pace - self._pace)


def stopping() -> RefusedError:
    """What new requests are told when the server stops."""
    return RefusedError(503, "Stopping", "the server is stopping", hint="ask again soon", headers={"Retry-After": "5"})
