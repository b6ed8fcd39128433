"""The query pipelines of llama-index-core 0.12: retriever, judge, extraction (make test-llama-legacy)."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.query_pipeline import CustomQueryComponent, FnComponent, InputComponent, QueryPipeline
from retrieval.worded_domains import HashedWords, example

from llama_index_ranit import RanitRetriever, RelevanceJudgePostprocessor
from llama_index_ranit.query_pipeline import JudgeComponent, NerComponent, Retrieved, RetrieverComponent
from ranit_rag import Extraction, Ranit
from ranit_rag.errors import InputError
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.testing import ScriptedEngine

TEXT = "the doctor gave aspirin for the fever and a tablet for the cough"
TYPES = ["drug", "symptom"]
REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLE = REPOSITORY / "connectors" / "examples" / "llama_index_query_pipeline.py"
PAGE = REPOSITORY / "docs" / "query-pipelines.md"


@pytest.fixture
def ner() -> Ranit:
    stores = MemoryStores()
    for domain in ("medicine", "money", "law"):
        stores.open(domain, HashedWords(), create=True).add([example(domain, number) for number in range(60)])
    script = {("aspirin", "drug"): ["aspirin"], ("fever", "symptom"): ["fever"], ("cough", "symptom"): ["cough"]}
    retriever = StoreRetriever(stores, embedder=HashedWords())
    return Ranit(ScriptedEngine(script, context=100_000), retriever=retriever, profile="uniner.v1")


def chain(ner: Ranit, *between: CustomQueryComponent) -> QueryPipeline:
    return QueryPipeline(chain=[RetrieverComponent(ner), *between, JudgeComponent(ner), NerComponent(ner)])


def same(extraction: Extraction, other: Extraction) -> bool:
    """All but what it cost."""
    return {**extraction.to_dict(), "usage": None} == {**other.to_dict(), "usage": None}


def test_this_is_the_last_version_with_query_pipelines() -> None:
    assert version("llama-index-core") == "0.12.52.post1"


@pytest.mark.parametrize(
    ("text", "types", "route"),
    [
        (TEXT, TYPES, "in_domain"),
        (TEXT, {"drug": "a medicine", "symptom": "what is felt"}, "in_domain"),
        (TEXT, ["planet"], "out_domain"),
        ("somebody walked a dog", ["planet"], "none"),
        (TEXT, None, "in_domain"),
    ],
)
async def test_the_chain_gives_what_extract_gives(ner: Ranit, text: str, types: Any, route: str) -> None:
    expected = ner.extract(text, types)
    assert expected.decision.route == route
    asked = {"text": text} if types is None else {"text": text, "types": types}
    assert same(chain(ner).run(**asked), expected)
    assert same(await chain(ner).arun(**asked), expected)


def test_every_step_can_be_looked_at(ner: Ranit) -> None:
    extraction, steps = chain(ner).run_with_intermediates(text=TEXT, types=TYPES)
    retrieved, judged, extracted = (step.outputs for step in steps.values())
    assert [node.node_id for node in retrieved["retrieved"].nodes] == [item.example.id for item in ner.pool(TEXT)]
    assert judged["judged"].decision == ner.decide(TEXT, TYPES)
    assert extracted["extraction"] is extraction


def test_a_component_between_may_take_examples_out(ner: Ranit) -> None:
    def without_the_best(retrieved: Retrieved) -> Retrieved:
        return replace(retrieved, nodes=retrieved.nodes[1:])

    decision = chain(ner, FnComponent(without_the_best)).run(text=TEXT, types=TYPES).decision
    best, *others = [shown.example for shown in ner.decide(TEXT, TYPES).examples]
    assert [shown.example for shown in decision.examples] == others
    assert "1 of 2 left out, not among the nodes given" in decision.reason
    assert best not in others


def test_with_nothing_left_of_the_pool_nothing_is_shown(ner: Ranit) -> None:
    def nothing(retrieved: Retrieved) -> Retrieved:
        return replace(retrieved, nodes=[])

    extraction = chain(ner, FnComponent(nothing)).run(text=TEXT, types=TYPES)
    assert (extraction.decision.route, extraction.decision.examples) == ("none", ())
    assert [entity.text for entity in extraction.entities] == ["aspirin", "fever", "cough"]


def test_types_may_be_fixed_beforehand_and_modules_linked_by_hand(ner: Ranit) -> None:
    retriever = RetrieverComponent(ner)
    retriever.partial(types=TYPES)
    pipeline = QueryPipeline(
        modules={"in": InputComponent(), "retrieve": retriever, "judge": JudgeComponent(ner), "ner": NerComponent(ner)}
    )
    pipeline.add_link("in", "retrieve", src_key="text", dest_key="text")
    pipeline.add_link("retrieve", "judge")
    pipeline.add_link("judge", "ner")
    assert same(pipeline.run(text=TEXT), ner.extract(TEXT, TYPES))


def test_many_texts_run_as_a_batch(ner: Ranit) -> None:
    texts = [TEXT, "the nurse found fever", "somebody walked a dog"]
    extractions = chain(ner).run(text=texts, types=[TYPES] * 3, batch=True)
    assert [same(each, ner.extract(text, TYPES)) for each, text in zip(extractions, texts, strict=True)] == [True] * 3


def test_what_is_wrong_is_raised_as_the_pipeline_would(ner: Ranit) -> None:
    with pytest.raises(InputError, match="text is empty"):
        chain(ner).run(text=" ", types=TYPES)


def test_the_retriever_and_the_judge_are_also_modules_of_their_own(ner: Ranit) -> None:
    """For pipelines of nodes, which end in a synthesizer: there the judge is handed the text beside the nodes."""
    judge = RelevanceJudgePostprocessor(ner, types=TYPES)
    pipeline = QueryPipeline(modules={"in": InputComponent(), "retrieve": RanitRetriever(ner), "judge": judge})
    pipeline.add_link("in", "retrieve", src_key="text")
    pipeline.add_link("in", "judge", src_key="text", dest_key="query_str")
    pipeline.add_link("retrieve", "judge", dest_key="nodes")
    shown = [item.example.id for item in ner.decide(TEXT, TYPES).examples]
    assert [node.node_id for node in pipeline.run(text=TEXT)] == shown


def test_the_example_runs_as_it_stands(ner: Ranit, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE))["main"](ner)
    route, *entities = capsys.readouterr().out.splitlines()
    assert route.startswith("in_domain · medicine")
    assert entities == ["aspirin (drug) 16:23", "fever (symptom) 32:37"]


def test_the_code_of_the_page_runs_as_it_is_printed(ner: Ranit) -> None:
    old, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"ner": ner}
    exec(old, names)
    assert same(names["extraction"], ner.extract("the doctor gave aspirin for the fever", TYPES))
