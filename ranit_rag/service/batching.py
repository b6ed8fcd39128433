"""Dynamic batching: what concurrent requests ask of an engine goes to it together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from ranit_rag.engines.base import Engine, EngineInfo, Reply
from ranit_rag.errors import EngineError
from ranit_rag.prompts.conversation import Conversation

Progress = Callable[[int, int], None]
follow_windows: ContextVar[Progress | None] = ContextVar("follow_windows", default=None)
"""Is told in a request's own context how many of its conversations are answered, and of how many."""


class Observer(Protocol):
    """Is told of every batch: how many conversations it held, and the seconds that it took."""

    def batch(self, size: int, seconds: float) -> None: ...


@dataclass(slots=True, eq=False)
class _Ticket:
    """One request's conversations: those that wait by their places, and the replies so far."""

    conversations: Sequence[Conversation]
    max_tokens: int
    done: asyncio.Future[list[Reply]]
    progress: Progress | None
    waiting: deque[int]
    replies: dict[int, Reply] = field(default_factory=dict)

    def deliver(self, place: int, reply: Reply) -> None:
        self.replies[place] = reply
        if self.done.done():
            return
        if self.progress is not None:
            self.progress(len(self.replies), len(self.conversations))
        if len(self.replies) == len(self.conversations):
            self.done.set_result([self.replies[i] for i in range(len(self.conversations))])

    def fail(self, error: Exception) -> None:
        self.waiting.clear()
        if not self.done.done():
            self.done.set_exception(error)


class BatchingEngine:
    """An ``Engine`` that asks another about up to ``most`` conversations at once, whosever they are.

    While a batch is being answered the next gathers; an idle engine waits ``wait`` seconds for company. Each request
    in turn gives one conversation, so that a long text does not keep short ones waiting. What a cancelled request had
    waiting is never asked. An error that the engine raises reaches the requests that raise it also by themselves.
    """

    def __init__(self, engine: Engine, *, most: int, wait: float, observer: Observer) -> None:
        self._engine = engine
        self._most = most
        self._wait = wait
        self._observer = observer
        self._tickets: deque[_Ticket] = deque()
        self._arrived = asyncio.Event()
        self._stopped = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ranit-engine")

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    @property
    def render(self) -> Any:
        """The engine's own, where it can say what the model reads."""
        return getattr(self._engine, "render", None)

    @property
    def waiting(self) -> int:
        """Conversations that no batch has taken yet."""
        return sum(len(ticket.waiting) for ticket in self._tickets)

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Past the batches, for callers without an event loop."""
        return self._engine.generate(conversations, max_tokens=max_tokens)

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Wait for a place in the batches, and for the replies; cancelling it gives up what still waits.

        Raises EngineError where ``run`` has ended, or ends before all is answered.
        """
        if self._stopped:
            raise _stopping()
        done: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        ticket = _Ticket(conversations, max_tokens, done, follow_windows.get(), deque(range(len(conversations))))
        if not conversations:
            return []
        self._tickets.append(ticket)
        self._arrived.set()
        try:
            return await done
        finally:
            ticket.waiting.clear()

    async def run(self) -> None:
        """Answer what arrives, until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                if self.waiting < self._most and self._wait:
                    await asyncio.sleep(self._wait)
                batch = list(self._take())
                if batch:
                    await self._answer(batch)
                else:
                    self._arrived.clear()
        finally:
            self._stopped = True
            for ticket in self._tickets:
                ticket.fail(_stopping())
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> Iterator[tuple[_Ticket, int]]:
        """The next batch: one conversation of each request in turn, all with the same ``max_tokens``."""
        passed: list[_Ticket] = []
        most, max_tokens = self._most, None
        while self._tickets and most:
            ticket = self._tickets.popleft()
            if not ticket.waiting:
                continue
            max_tokens = ticket.max_tokens if max_tokens is None else max_tokens
            if ticket.max_tokens != max_tokens:
                passed.append(ticket)
                continue
            yield ticket, ticket.waiting.popleft()
            most -= 1
            self._tickets.append(ticket)
        self._tickets.extendleft(reversed(passed))

    async def _answer(self, batch: Sequence[tuple[_Ticket, int]]) -> None:
        started = time.perf_counter()
        try:
            replies = await self._ask(batch)
        except Exception as error:
            await self._answer_apart(batch, error)
        else:
            for (ticket, place), reply in zip(batch, replies, strict=True):
                ticket.deliver(place, reply)
        self._observer.batch(len(batch), time.perf_counter() - started)

    async def _answer_apart(self, batch: Sequence[tuple[_Ticket, int]], error: Exception) -> None:
        """Ask about each request by itself, so that only those that fail hear of it."""
        shares: dict[_Ticket, list[tuple[_Ticket, int]]] = {}
        for item in batch:
            shares.setdefault(item[0], []).append(item)
        if len(shares) == 1:
            batch[0][0].fail(error)
            return
        for ticket, share in shares.items():
            if not ticket.done.done():
                await self._answer(share)

    async def _ask(self, batch: Sequence[tuple[_Ticket, int]]) -> list[Reply]:
        conversations = [ticket.conversations[place] for ticket, place in batch]
        max_tokens = batch[0][0].max_tokens
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._engine.generate(conversations, max_tokens=max_tokens)
        )


def _stopping() -> EngineError:
    return EngineError("the server stops", hint="ask again when it has started")
