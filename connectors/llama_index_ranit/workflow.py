"""Extraction as a workflow: the judge's branches are events."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from llama_index.core.bridge.pydantic import SerializerFunctionWrapHandler, field_serializer
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step

from ranit_rag import Decision, Ranit


class TextEvent(StartEvent):
    """What ``run`` takes: a text, and types as in ``Ranit.extract``."""

    text: str
    types: list[str] | dict[str, str] | None = None
    language: str | None = None


class JudgedEvent(Event):
    """What was decided for one window of the text: ``decision.start`` and ``decision.end`` say which.

    An event that was stored and read again has its examples, but no precedents: those stand in the store.
    """

    asked: TextEvent
    decision: Decision

    @field_serializer("decision", mode="wrap")
    def _without_precedents(self, decision: Decision, serialize: SerializerFunctionWrapHandler) -> object:
        return serialize(replace(decision, precedents=None))


class InDomainEvent(JudgedEvent):
    """Examples of one store will be shown."""


class OutDomainEvent(JudgedEvent):
    """Examples of other domains that share words with the text will be shown."""


class NoExamplesEvent(JudgedEvent):
    """No example will be shown."""


_BRANCHES: dict[str, type[InDomainEvent] | type[OutDomainEvent] | type[NoExamplesEvent]] = {
    "in_domain": InDomainEvent,
    "out_domain": OutDomainEvent,
    "none": NoExamplesEvent,
}


class NerWorkflow(Workflow):
    """Judge, then extract: ``extraction = await NerWorkflow(ner).run(text="…", types=["person"])``.

    The result is the Extraction that ``ner.extract`` gives; ``ner`` is by default ``Ranit()``. ``stream_events`` has
    an event for each window of the text, before the model is asked. A subclass may decide otherwise: the examples that
    its ``judge`` returns are shown. ``timeout`` is in seconds; None leaves it to the engine's own.
    """

    def __init__(self, ner: Ranit | None = None, *, timeout: float | None = None, verbose: bool = False) -> None:
        super().__init__(timeout=timeout, verbose=verbose)
        self._ner = ner if ner is not None else Ranit()

    @step
    async def judge(self, ev: TextEvent) -> list[InDomainEvent | OutDomainEvent | NoExamplesEvent]:
        """An event for each window of the text, in their order."""
        plans = await asyncio.to_thread(self._ner.conversations, ev.text, ev.types, language=ev.language)
        return [_BRANCHES[plan.decision.route](asked=ev, decision=plan.decision) for plan in plans]

    @step
    async def extract(self, ctx: Context, judged: list[InDomainEvent | OutDomainEvent | NoExamplesEvent]) -> StopEvent:
        """Ask the model, with the examples that were decided on."""
        for event in judged:
            ctx.write_event_to_stream(event)
        asked = judged[0].asked
        decisions = sorted((event.decision for event in judged), key=lambda decision: decision.start)
        extraction = await self._ner.aextract(asked.text, asked.types, language=asked.language, decisions=decisions)
        return StopEvent(result=extraction)
