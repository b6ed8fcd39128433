"""The extractor in an ingestion pipeline: what it writes, what the cache remembers, what a query makes of it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document, ImageNode, MetadataMode, TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters
from scripted_medicine import TYPES, engine

from llama_index_ranit import RanitEntityExtractor
from ranit_rag import Entity, Ranit
from ranit_rag.engines import EngineInfo
from ranit_rag.errors import InputError, ServerError
from ranit_rag.testing import ScriptedEngine

REPORT = "He took aspirin against fever. 😀 He had aspirin again: the cough stayed."


def scripted(script: ScriptedEngine) -> Ranit:
    return Ranit(script, judge="never", profile="uniner.v1")


def pipeline(script: ScriptedEngine, types: Sequence[str] | dict[str, str] = TYPES) -> IngestionPipeline:
    return IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=30, chunk_overlap=0),
            RanitEntityExtractor(types, ner=scripted(script), show_progress=False),  # type: ignore[arg-type]
        ]
    )


def entities(node: TextNode) -> list[Entity]:
    return [Entity(**each) for each in json.loads(node.metadata["entities"])]


class TestMetadata:
    async def test_offsets_are_those_of_the_nodes_own_text(self) -> None:
        documents = [Document(text=REPORT * 5, metadata={"file": "a.txt"})]
        nodes = await pipeline(engine()).arun(documents=documents)
        assert len(nodes) > 2
        for node in nodes:
            found = entities(node)
            assert found
            assert all(node.text[each.start : each.end] == each.text for each in found)
            assert node.metadata["file"] == "a.txt"

    def test_it_is_flat_and_names_the_mentions_of_each_type(self) -> None:
        (node,) = RanitEntityExtractor(TYPES, ner=scripted(engine()))([TextNode(text=REPORT)])
        assert all(isinstance(value, str) for value in node.metadata.values())
        assert node.metadata["entities_drug"] == "aspirin"
        assert node.metadata["entities_symptom"] == "fever; cough"
        account = json.loads(node.metadata["ner"])
        (decision,) = account["decisions"]
        assert (decision["route"], decision["reason"]) == ("none", "examples are never shown")
        assert (account["coverage"], account["language"], account["dropped"]) == (1.0, "en", [])

    def test_models_read_the_mentions_but_not_the_bookkeeping(self) -> None:
        (node,) = RanitEntityExtractor(TYPES, ner=scripted(engine()))([TextNode(text="aspirin")])
        for mode in (MetadataMode.EMBED, MetadataMode.LLM):
            content = node.get_content(mode)
            assert "entities_drug: aspirin" in content
            assert "start" not in content
            assert "coverage" not in content

    def test_metadata_before_it_does_not_move_offsets(self) -> None:
        (node,) = RanitEntityExtractor(TYPES, ner=scripted(engine()))(
            [TextNode(text="aspirin", metadata={"title": "On aspirin"})]
        )
        assert [(each.start, each.end) for each in entities(node)] == [(0, 7)]

    def test_a_node_without_text_gets_nothing_and_fails_nothing(self) -> None:
        nodes = RanitEntityExtractor(TYPES, ner=scripted(engine()))(
            [
                TextNode(text=" \n"),
                ImageNode(),
                Document(),
                TextNode(text="aspirin"),
            ]
        )
        assert [sorted(node.metadata) for node in nodes] == [[], [], [], ["entities", "entities_drug", "ner"]]

    def test_documents_need_not_be_split(self) -> None:
        (node,) = RanitEntityExtractor(TYPES, ner=scripted(engine()))([Document(text="aspirin")])
        assert node.metadata["entities_drug"] == "aspirin"

    def test_a_failure_fails_the_run_unless_told_otherwise(self) -> None:
        ner = scripted(ScriptedEngine({("no", "drug"): ServerError("hung up"), ("aspirin", "drug"): ["aspirin"]}))
        with pytest.raises(ServerError, match="hung up"):
            RanitEntityExtractor(TYPES, ner=ner)([TextNode(text="no answer")])
        failed, found = RanitEntityExtractor(TYPES, ner=ner, raise_on_error=False)(
            [TextNode(text="no answer"), TextNode(text="aspirin")]
        )
        error = json.loads(failed.metadata["ner"])["error"]
        assert (error["type"], error["message"]) == ("ServerError", "hung up")
        assert found.metadata["entities_drug"] == "aspirin"


class TestCache:
    DOCUMENTS = (Document(text=REPORT, id_="report"),)

    def test_a_second_run_asks_no_model(self, tmp_path: Path) -> None:
        script = engine()
        first = pipeline(script)
        nodes = first.run(documents=list(self.DOCUMENTS))
        asked = len(script.conversations)
        assert asked > 0
        again = first.run(documents=list(self.DOCUMENTS))
        assert [node.metadata for node in again] == [node.metadata for node in nodes]
        first.persist(str(tmp_path))
        reloaded = pipeline(script)
        reloaded.load(str(tmp_path))
        loaded = reloaded.run(documents=list(self.DOCUMENTS))
        assert [node.metadata for node in loaded] == [node.metadata for node in nodes]
        assert len(script.conversations) == asked

    @pytest.mark.parametrize(
        ("types", "options"),
        [
            (["drug"], {}),
            ({"drug": "a medicine", "symptom": ""}, {}),
            (TYPES, {"profile": "json.v1"}),
            (TYPES, {"judge": "always", "stores": ":memory:"}),
            (TYPES, {"k": 5}),
        ],
    )
    def test_what_changes_the_answer_is_asked_anew(
        self, types: list[str] | dict[str, str], options: dict[str, Any]
    ) -> None:
        first = pipeline(engine())
        first.run(documents=list(self.DOCUMENTS))
        script = engine()
        ner = Ranit(script, **{"judge": "never", "profile": "uniner.v1", **options})
        other = IngestionPipeline(
            transformations=[first.transformations[0], RanitEntityExtractor(types, ner=ner, show_progress=False)],
            cache=first.cache,
        )
        other.run(documents=list(self.DOCUMENTS))
        assert script.conversations

    def test_another_model_is_asked_anew(self) -> None:
        class Another(ScriptedEngine):
            @property
            def info(self) -> EngineInfo:
                return replace(super().info, model="another")

        first = pipeline(engine())
        first.run(documents=list(self.DOCUMENTS))
        script = Another({})
        other = pipeline(script)
        other.cache = first.cache
        other.run(documents=list(self.DOCUMENTS))
        assert script.conversations

    def test_an_extractor_comes_back_from_its_settings(self) -> None:
        extractor = RanitEntityExtractor(TYPES, show_progress=False)
        assert RanitEntityExtractor.from_dict(extractor.to_dict()).to_dict() == extractor.to_dict()


class TestProcesses:
    def test_a_ranit_of_ones_own_is_refused_rather_than_replaced(self) -> None:
        with pytest.raises(InputError, match="cannot go to another process"):
            pickle.dumps(RanitEntityExtractor(TYPES, ner=scripted(engine())))

    def test_the_default_is_made_again_with_the_same_settings(self) -> None:
        extractor = RanitEntityExtractor(TYPES, show_progress=False)
        copy = pickle.loads(pickle.dumps(extractor))
        assert copy.to_dict() == extractor.to_dict()
        (node,) = copy([TextNode(text="Marie Curie was born in Warsaw.")])
        assert "entities" in node.metadata


def test_a_query_is_filtered_by_the_entities() -> None:
    texts = ("He took aspirin.", "The fever rose.", "She walked.")
    nodes = RanitEntityExtractor(TYPES, ner=scripted(engine()))([TextNode(text=text) for text in texts])
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(8))
    wanted = MetadataFilter(key="entities_drug", operator=FilterOperator.TEXT_MATCH, value="aspirin")
    found = index.as_retriever(similarity_top_k=3, filters=MetadataFilters(filters=[wanted])).retrieve("medicine?")
    assert [node.node.get_content() for node in found] == ["He took aspirin."]
