"""The retriever gives the pool; the judge keeps of it what it would show."""

from __future__ import annotations

import json

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode
from scripted_medicine import FOREIGN, IN_DOMAIN, TYPES

from llama_index_ranit import RanitRetriever, RelevanceJudgePostprocessor
from ranit_rag import Example, Ranit
from ranit_rag.errors import InputError
from ranit_rag.testing import ScriptedEngine


def test_nodes_are_the_examples_nearest_first_with_their_cosine(medicine: Ranit) -> None:
    nodes = RanitRetriever(medicine).retrieve(IN_DOMAIN)
    assert [(node.node_id, node.score) for node in nodes] == [
        (shown.example.id, shown.similarity) for shown in medicine.pool(IN_DOMAIN)
    ]
    scores = [node.get_score() for node in nodes]
    assert scores == sorted(scores, reverse=True)


def test_a_node_tells_all_of_its_example_in_flat_metadata(medicine: Ranit) -> None:
    node = RanitRetriever(medicine, similarity_top_k=1).retrieve(IN_DOMAIN)[0].node
    assert all(isinstance(value, str) for value in node.metadata.values())
    record = {"text": node.get_content(), **node.metadata, "entities": json.loads(node.metadata["entities"])}
    assert Example.from_dict({**record, "id": node.node_id}) == medicine.pool(IN_DOMAIN)[0].example
    assert node.get_content(MetadataMode.EMBED) == node.get_content(MetadataMode.NONE)


async def test_how_many_are_wanted_can_be_said_and_async_gives_the_same(medicine: Ranit) -> None:
    retriever = RanitRetriever(medicine, similarity_top_k=3)
    assert len(retriever.retrieve(IN_DOMAIN)) == 3
    assert await retriever.aretrieve(IN_DOMAIN) == retriever.retrieve(IN_DOMAIN)


def test_without_stores_nothing_is_found() -> None:
    assert RanitRetriever(Ranit(ScriptedEngine({}), judge="never")).retrieve(IN_DOMAIN) == []


async def test_the_judge_keeps_what_it_would_show(medicine: Ranit) -> None:
    judge = RelevanceJudgePostprocessor(medicine, types=TYPES)
    pool = RanitRetriever(medicine).retrieve(IN_DOMAIN)
    kept = judge.postprocess_nodes(pool, query_str=IN_DOMAIN)
    decision = medicine.decide(IN_DOMAIN, TYPES)
    assert [node.node_id for node in kept] == [shown.example.id for shown in decision.examples]
    assert len(kept) == 8
    assert await judge.apostprocess_nodes(pool, query_str=IN_DOMAIN) == kept


def test_for_a_text_of_no_domain_it_keeps_nothing(medicine: Ranit) -> None:
    pool = RanitRetriever(medicine).retrieve(FOREIGN)
    assert len(pool) > 10
    assert RelevanceJudgePostprocessor(medicine, types=["planet"]).postprocess_nodes(pool, query_str=FOREIGN) == []


def test_it_adds_nothing_to_the_nodes_it_is_given(medicine: Ranit) -> None:
    """A filter between the retriever and the judge has the last word."""
    best, *others = RanitRetriever(medicine).retrieve(IN_DOMAIN)
    unknown = NodeWithScore(node=TextNode(text="a node of another index"), score=1.0)
    kept = RelevanceJudgePostprocessor(medicine, types=TYPES).postprocess_nodes([unknown, *others], query_str=IN_DOMAIN)
    assert len(kept) == 7
    assert best.node_id not in [node.node_id for node in kept]


def test_without_a_text_the_judge_says_what_it_misses(medicine: Ranit) -> None:
    with pytest.raises(InputError, match="no text to judge for"):
        RelevanceJudgePostprocessor(medicine).postprocess_nodes([])


def test_both_stand_in_a_query_engine(medicine: Ranit) -> None:
    judge = RelevanceJudgePostprocessor(medicine, types=TYPES)
    query_engine = RetrieverQueryEngine.from_args(RanitRetriever(medicine), llm=MockLLM(), node_postprocessors=[judge])
    sources = query_engine.query(IN_DOMAIN).source_nodes
    assert [source.node.metadata["domain"] for source in sources] == ["medicine"] * 8
