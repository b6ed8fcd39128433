"""Entities in a property graph: what mentions them, and what a query finds by them."""

from __future__ import annotations

from pathlib import Path

from llama_index.core import PropertyGraphIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.graph_stores import SimplePropertyGraphStore
from llama_index.core.indices.property_graph import ImplicitPathExtractor, VectorContextRetriever
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from scripted_medicine import TYPES, engine

from llama_index_ranit import RanitGraphExtractor
from ranit_rag import Ranit

TEXTS = {"one": "aspirin against fever, more aspirin", "two": "aspirin against cough", "three": "nothing here"}


def nodes() -> list[TextNode]:
    return [TextNode(text=text, id_=name) for name, text in TEXTS.items()]


def index(**options: object) -> PropertyGraphIndex:
    ner = Ranit(engine(), judge="never", profile="uniner.v1")
    extractors = [ImplicitPathExtractor(), RanitGraphExtractor(TYPES, ner=ner)]
    return PropertyGraphIndex(nodes(), kg_extractors=extractors, **options)  # type: ignore[arg-type]


def test_a_name_leads_to_the_chunks_that_mention_it(tmp_path: Path) -> None:
    store = index(embed_kg_nodes=False).property_graph_store
    triplets = store.get_triplets(entity_names=["aspirin"], relation_names=["MENTIONS"])
    assert {(chunk.id, entity.label) for chunk, _, entity in triplets} == {("one", "drug"), ("two", "drug")}
    assert {node.id for node in store.get(ids=["aspirin", "fever", "cough"])} == {"aspirin", "fever", "cough"}
    assert store.get_llama_nodes(["one"])[0].text == TEXTS["one"]
    assert isinstance(store, SimplePropertyGraphStore)
    store.persist(str(tmp_path / "graph.json"))
    reloaded = SimplePropertyGraphStore.from_persist_path(str(tmp_path / "graph.json"))
    assert len(reloaded.get_triplets(entity_names=["aspirin"])) == len(triplets)


def test_relations_say_where() -> None:
    store = index(embed_kg_nodes=False).property_graph_store
    ((_, relation, _),) = [t for t in store.get_triplets(entity_names=["aspirin"]) if t[0].id == "one"]
    assert relation.properties["labels"] == ["drug", "drug"]
    spans = list(zip(relation.properties["starts"], relation.properties["ends"], strict=True))
    assert [TEXTS["one"][start:end] for start, end in spans] == ["aspirin", "aspirin"]
    assert len(relation.properties["scores"]) == 2


def test_without_scores_there_are_none() -> None:
    ner = Ranit(engine(score=None), judge="never", profile="uniner.v1")
    node = TextNode(text="aspirin")
    RanitGraphExtractor(TYPES, ner=ner)([node])
    (relation,) = node.metadata["relations"]
    assert relation.properties == {"labels": ["drug"], "starts": [0], "ends": [7]}


def test_a_query_finds_the_text_by_the_entity() -> None:
    vectors, embedding = SimpleVectorStore(), MockEmbedding(8)
    graph = index(vector_store=vectors, embed_model=embedding)
    retriever = VectorContextRetriever(
        graph.property_graph_store, vector_store=vectors, embed_model=embedding, similarity_top_k=3
    )
    found = graph.as_retriever(sub_retrievers=[retriever]).retrieve("Which drug helps against fever?")
    facts = [node.node.get_content() for node in found]
    assert any("one -> MENTIONS -> fever" in fact and TEXTS["one"] in fact for fact in facts)
