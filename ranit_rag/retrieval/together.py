"""Embedding for many threads at once: what several of them ask is computed together.

A model takes hardly longer for eight short texts than for one, and with a lock around it, eight threads that have one
text each wait for eight calls. Nobody waits for company here: whoever's turn it is takes along all that came while the
call before was running, so a thread alone is answered at once, and the more ask, the larger the calls.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors

TEXTS_AT_ONCE = 64
"""From which on no more are taken along, so that a thread with one text waits for no more than so many others."""


@dataclass(slots=True, eq=False)
class _Request:
    texts: Sequence[str]
    answer: Vectors | Exception | None = None


class TogetherEmbedder:
    """An ``Embedder`` over another, which is called by one thread at a time. An error reaches those it is about."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._waiting: list[_Request] = []
        self._busy = False
        self._changed = threading.Condition()

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        own = _Request(texts)
        with self._changed:
            self._waiting.append(own)
        while own.answer is None:
            self._wait(own)
        if isinstance(own.answer, Exception):
            raise own.answer
        return own.answer

    def _wait(self, own: _Request) -> None:
        """Until another thread has answered ``own``; or, when no other is at it, answer what waits."""
        with self._changed:
            self._changed.wait_for(lambda: own.answer is not None or not self._busy)
            if own.answer is not None:
                return
            self._busy = True
            taken = self._take()
        try:
            self._answer(taken)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> list[_Request]:
        """The requests that came first, as many as are answered at once; one at least."""
        count = texts = 0
        for request in self._waiting:
            texts += len(request.texts)
            if count and texts > TEXTS_AT_ONCE:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _answer(self, requests: Sequence[_Request]) -> None:
        try:
            vectors = self._embedder.embed([text for request in requests for text in request.texts])
        except Exception as error:
            self._answer_apart(requests, error)
            return
        except BaseException:  # an interrupt is this thread's alone: the next one answers those that were taken along
            with self._changed:
                self._waiting = [*requests, *self._waiting]
            raise
        ends = np.cumsum([len(request.texts) for request in requests])
        for request, part in zip(requests, np.split(vectors, ends[:-1]), strict=True):
            request.answer = part

    def _answer_apart(self, requests: Sequence[_Request], error: Exception) -> None:
        if len(requests) == 1:
            requests[0].answer = error
            return
        for request in requests:
            self._answer([request])
