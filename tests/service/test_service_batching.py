"""Dynamic batching: together in one call, and yet to each its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from ranit_rag import Ranit
from ranit_rag.engines.base import Reply
from ranit_rag.errors import EngineError
from ranit_rag.prompts import Conversation
from ranit_rag.service.batching import BatchingEngine
from ranit_rag.testing import ScriptedEngine


class Sizes:
    """Remembers how large the batches were."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def batch(self, size: int, seconds: float) -> None:
        self.seen.append(size)


class GatedEngine(ScriptedEngine):
    """Counts its calls, and waits in each until it is let; raises for a text that holds ``poison``."""

    def __init__(self, window: int | None = None) -> None:
        super().__init__({("a", "letter"): ["a"]}, window=window)
        self.calls: list[list[str]] = []
        self.let = threading.Event()

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        texts = [conversation.source or "" for conversation in conversations]
        self.calls.append(texts)
        self.let.wait(20)
        if any("poison" in text for text in texts):
            raise EngineError("poisoned")
        return super().generate(conversations, max_tokens=max_tokens)


@asynccontextmanager
async def running(
    engine: GatedEngine, most: int = 8, wait: float = 0.02
) -> AsyncIterator[tuple[Ranit, BatchingEngine, Sizes]]:
    sizes = Sizes()
    batching = BatchingEngine(engine, most=most, wait=wait, observer=sizes)
    task = asyncio.create_task(batching.run())
    try:
        yield Ranit(batching, judge="never"), batching, sizes
    finally:
        engine.let.set()
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


async def test_concurrent_requests_share_a_call_and_get_their_own_answers() -> None:
    engine = GatedEngine()
    engine.let.set()
    async with running(engine) as (ner, _, sizes):
        found = await asyncio.gather(*(ner.aextract(f"a{i}", ["letter"]) for i in range(8)))
    assert [extraction.text for extraction in found] == [f"a{i}" for i in range(8)]
    assert all(extraction.entities[0].text == "a" for extraction in found)
    assert sum(sizes.seen) == 8
    assert len(engine.calls) <= 2


async def test_what_comes_while_the_engine_works_is_the_next_batch() -> None:
    engine = GatedEngine()
    async with running(engine, most=4) as (ner, batching, sizes):
        first = asyncio.create_task(ner.aextract("a first", ["letter"]))
        await until(lambda: len(engine.calls) == 1)
        rest = [asyncio.create_task(ner.aextract(f"a{i}", ["letter"])) for i in range(6)]
        await until(lambda: batching.waiting == 6)
        engine.let.set()
        await asyncio.gather(first, *rest)
    assert sizes.seen == [1, 4, 2]


async def test_an_error_of_the_engine_reaches_only_the_request_that_causes_it() -> None:
    engine = GatedEngine()
    engine.let.set()
    async with running(engine) as (ner, _, _sizes):
        texts = ["a one", "a poison", "a two"]
        found = await asyncio.gather(*(ner.aextract(text, ["letter"]) for text in texts), return_exceptions=True)
    assert [type(each).__name__ for each in found] == ["Extraction", "EngineError", "Extraction"]


async def test_a_cancelled_request_is_never_asked_about() -> None:
    engine = GatedEngine()
    async with running(engine, most=1) as (ner, batching, _sizes):
        first = asyncio.create_task(ner.aextract("a first", ["letter"]))
        await until(lambda: len(engine.calls) == 1)
        second = asyncio.create_task(ner.aextract("a second", ["letter"]))
        await until(lambda: batching.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert batching.waiting == 0
        engine.let.set()
        await first
        await ner.aextract("a third", ["letter"])
    assert engine.calls == [["a first"], ["a third"]]


async def test_a_long_text_does_not_keep_short_ones_waiting() -> None:
    engine = GatedEngine(window=40)
    async with running(engine, most=2) as (ner, batching, _sizes):
        long = asyncio.create_task(ner.aextract("a sentence of some words. " * 40, ["letter"]))
        await until(lambda: len(engine.calls) == 1 and batching.waiting > 10)
        before = batching.waiting
        short = asyncio.create_task(ner.aextract("a short one", ["letter"]))
        await until(lambda: batching.waiting > before)
        engine.let.set()
        await short
        assert not long.done()
        extraction = await long
    assert extraction.coverage == 1.0
    place = next(i for i, call in enumerate(engine.calls) if "a short one" in call)
    assert place <= 3


async def test_who_comes_when_it_has_stopped_is_told_so() -> None:
    async with running(GatedEngine()) as (ner, _, _sizes):
        await asyncio.sleep(0)  # it has begun
    with pytest.raises(EngineError, match="stops"):
        await asyncio.wait_for(ner.aextract("a", ["letter"]), 10)


async def test_stopping_tells_those_who_wait() -> None:
    engine = GatedEngine()
    async with running(engine, most=1) as (ner, batching, _sizes):
        tasks = [asyncio.create_task(ner.aextract(f"a{i}", ["letter"])) for i in range(2)]
        await until(lambda: batching.waiting == 1)
    for task in tasks:
        with pytest.raises(EngineError, match="stops"):
            await task
