"""The workflow: what it streams is what was decided, and its result is what ``Ranit.extract`` gives."""

from __future__ import annotations

import asyncio
import time

import pytest
from llama_index.core.workflow import JsonSerializer, StopEvent, step
from scripted_medicine import FOREIGN, IN_DOMAIN, TYPES, engine
from served import model_server

from llama_index_ranit import InDomainEvent, NerWorkflow, NoExamplesEvent, OutDomainEvent, TextEvent
from ranit_rag import Decision, Extraction, Ranit
from ranit_rag.engines.openai import OpenAIEngine
from ranit_rag.errors import InputError, ServerError
from ranit_rag.testing import ScriptedEngine

LONG = " ".join(f"Patient {number} took aspirin in town." for number in range(30))


def same(extraction: Extraction, other: Extraction) -> bool:
    """All but what it cost."""
    return {**extraction.to_dict(), "usage": None} == {**other.to_dict(), "usage": None}


async def test_the_branch_is_streamed_before_the_result(medicine: Ranit) -> None:
    handler = NerWorkflow(medicine).run(text=IN_DOMAIN, types=TYPES)
    judged, stopped = [event async for event in handler.stream_events()]
    assert isinstance(judged, InDomainEvent)
    assert isinstance(stopped, StopEvent)
    extraction = await handler
    assert extraction.decisions == (judged.decision,)
    assert judged.decision.store == "medicine"
    assert same(extraction, medicine.extract(IN_DOMAIN, TYPES))


@pytest.mark.parametrize(
    ("text", "types", "branch"),
    [
        (IN_DOMAIN, TYPES, InDomainEvent),
        (IN_DOMAIN, ["planet"], OutDomainEvent),
        (FOREIGN, ["planet"], NoExamplesEvent),
    ],
)
async def test_every_route_has_its_event(medicine: Ranit, text: str, types: list[str], branch: type) -> None:
    handler = NerWorkflow(medicine).run(text=text, types=types)
    events = [event async for event in handler.stream_events()]
    assert type(events[0]) is branch
    assert (await handler).decision == events[0].decision == medicine.extract(text, types).decision


async def test_types_may_be_left_to_the_store(medicine: Ranit) -> None:
    extraction = await NerWorkflow(medicine).run(text=IN_DOMAIN)
    assert {entity.label for entity in extraction.entities} == set(TYPES)


async def test_each_window_of_a_long_text_has_an_event_of_its_own() -> None:
    ner = Ranit(engine(window=120), judge="never", profile="uniner.v1")
    handler = NerWorkflow(ner).run(text=LONG, types={"drug": "a medicine"})
    events = [event async for event in handler.stream_events()][:-1]
    extraction = await handler
    assert len(events) > 5
    assert tuple(event.decision for event in events) == extraction.decisions
    assert same(extraction, ner.extract(LONG, {"drug": "a medicine"}))


async def test_what_is_wrong_is_raised_as_the_pipeline_would() -> None:
    ner = Ranit(ScriptedEngine({("", "drug"): ServerError("hung up")}), judge="never", profile="uniner.v1")
    with pytest.raises(InputError, match="text is empty"):
        await NerWorkflow(ner).run(text=" ", types=TYPES)
    with pytest.raises(ServerError, match="hung up"):
        await NerWorkflow(ner).run(text=IN_DOMAIN, types=TYPES)


async def test_a_subclass_may_decide_otherwise(medicine: Ranit) -> None:
    """Say, a reader who looks at what would be shown and refuses it."""

    class Reviewed(NerWorkflow):
        @step
        async def judge(self, ev: TextEvent) -> list[InDomainEvent | OutDomainEvent | NoExamplesEvent]:
            return [NoExamplesEvent(asked=ev, decision=Decision("none", "refused by the reader"))]

    handler = Reviewed(medicine).run(text=IN_DOMAIN, types=TYPES)
    assert [type(event) async for event in handler.stream_events()] == [NoExamplesEvent, StopEvent]
    decision = (await handler).decision
    assert (decision.route, decision.reason, decision.end) == ("none", "refused by the reader", len(IN_DOMAIN))


def test_events_survive_serialisation(medicine: Ranit) -> None:
    """Workflow servers and stored contexts write events down and read them again."""
    event = InDomainEvent(asked=TextEvent(text=IN_DOMAIN, types=TYPES), decision=medicine.decide(IN_DOMAIN, TYPES))
    read = JsonSerializer().deserialize(JsonSerializer().serialize(event))
    assert isinstance(read, InDomainEvent)
    assert read.decision == event.decision
    assert read.asked.text == IN_DOMAIN


async def test_cancelling_does_not_wait_for_a_hanging_server() -> None:
    with model_server("[]", seconds=20) as url:
        ner = Ranit(OpenAIEngine("nano", base_url=url), judge="never", profile="uniner.v1")
        handler = NerWorkflow(ner).run(text=IN_DOMAIN, types=TYPES)
        async for event in handler.stream_events():
            if isinstance(event, NoExamplesEvent):
                break
        started = time.perf_counter()
        await handler.cancel_run()
        with pytest.raises((asyncio.CancelledError, Exception)):
            await handler
        assert time.perf_counter() - started < 5
