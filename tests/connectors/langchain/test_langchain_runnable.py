"""Extraction inside chains and graphs."""

from __future__ import annotations

from typing import Any, TypedDict

import jsonschema
import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from langchain_ranit import RanitExtractor, RanitNode
from ranit_rag import Ranit
from ranit_rag.errors import InputError
from ranit_rag.testing import ScriptedEngine

TEXTS = ["Aspirin eased her migraine.", "Nothing was found.", "Aspirin again."]


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine({("Aspirin", "drug"): ["Aspirin"], ("migraine", "disease"): ["migraine"]})


@pytest.fixture
def extractor(engine: ScriptedEngine) -> RanitExtractor:
    return RanitExtractor(Ranit(engine), ["drug"])


def mentions(extraction: dict[str, Any]) -> list[str]:
    return [entity["text"] for entity in extraction["entities"]]


async def test_a_chain_hands_on_the_contract(extractor: RanitExtractor, contract: dict[str, Any]) -> None:
    chain = RunnableLambda(str.strip) | extractor
    jsonschema.validate(chain.invoke(f" {TEXTS[0]} "), contract)
    assert mentions(await (chain | RunnableLambda(lambda extraction: extraction)).ainvoke(TEXTS[0])) == ["Aspirin"]
    assert mentions(chain.pick("entities").invoke(TEXTS[0]) and chain.invoke(TEXTS[0])) == ["Aspirin"]


def test_an_input_may_bring_types_of_its_own(extractor: RanitExtractor) -> None:
    assert mentions(extractor.invoke({"text": TEXTS[0], "types": ["disease"]})) == ["migraine"]
    assert extractor.invoke({"text": TEXTS[0], "language": "zh"})["language"] == "zh"


async def test_a_batch_goes_to_the_engine_together(extractor: RanitExtractor, engine: ScriptedEngine) -> None:
    calls: list[int] = []
    generate = engine.generate

    def counting(conversations: Any, **options: Any) -> Any:
        calls.append(len(conversations))
        return generate(conversations, **options)

    engine.generate = counting  # type: ignore[method-assign]
    assert [mentions(one) for one in extractor.batch(TEXTS)] == [["Aspirin"], [], ["Aspirin"]]
    assert [mentions(one) for one in await extractor.abatch(TEXTS)] == [["Aspirin"], [], ["Aspirin"]]
    assert calls == [1, 2, 1, 2]


async def test_in_a_batch_a_failure_can_stay_in_its_place(extractor: RanitExtractor) -> None:
    texts = [TEXTS[0], " ", TEXTS[2]]
    for results in (
        extractor.batch(texts, return_exceptions=True),
        await extractor.abatch(texts, return_exceptions=True),
    ):
        assert isinstance(results[1], InputError)
        assert mentions(results[0]) == mentions(results[2]) == ["Aspirin"]
    with pytest.raises(InputError, match="the text is empty"):
        extractor.batch(texts)


class State(TypedDict, total=False):
    text: str
    types: list[str]
    extraction: dict[str, Any]
    checked: bool


async def test_a_graph_branches_on_what_the_judge_decided(medicine: Ranit) -> None:
    def route(state: State) -> str:
        return str(state["extraction"]["decisions"][0]["route"])

    graph = StateGraph(State)
    graph.add_node("ner", RanitNode(medicine, ["drug", "symptom"]))
    graph.add_node("check", lambda state: {"checked": True})
    graph.add_edge(START, "ner")
    graph.add_conditional_edges("ner", route, {"in_domain": END, "out_domain": "check", "none": "check"})
    graph.add_edge("check", END)
    app = graph.compile(checkpointer=InMemorySaver())  # the state must survive being saved

    def thread(number: int) -> Any:
        return {"configurable": {"thread_id": str(number)}}

    known = app.invoke({"text": "the doctor gave aspirin for the fever and the cough"}, thread(1))
    assert mentions(known["extraction"]) == ["aspirin", "fever", "cough"]
    assert "checked" not in known
    foreign = await app.ainvoke({"text": "somebody walked a dog", "types": ["animal"]}, thread(2))
    assert foreign["checked"]
    assert app.get_state(thread(1)).values["extraction"] == known["extraction"]
