"""Adding examples by the name of a store: the right embedder, the domain and the language are found for the caller."""

from __future__ import annotations

import pytest
from worded_domains import Fill, HashedWords

from ranit_rag import Example, Ranit
from ranit_rag.errors import InputError, StoreError
from ranit_rag.retrieval import filling
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.testing import ScriptedEngine

ASPIRIN = Example.from_mentions("aspirin relief for the patient", {"drug": ["aspirin"]})


def test_a_store_keeps_the_embedder_that_it_was_made_with(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=3)
    report = filling.fill(stores, " medicine ", [ASPIRIN])
    assert report.added == 1
    assert embedder.embedded[-1] == ASPIRIN.text
    added = stores.open("medicine").snapshot().examples[-1]
    assert (added.domain, added.language, added.entities) == ("medicine", "en", ASPIRIN.entities)


def test_a_new_store_gets_the_embedder_of_its_language() -> None:
    stores = MemoryStores()
    filling.fill(stores, "医疗", [Example.from_mentions("他吃了阿司匹林。", {"药物": ["阿司匹林"]})])
    assert stores.open("医疗").embedding.name.startswith("ranit-nano")
    assert stores.open("医疗").snapshot().examples[0].language == "zh"


def test_another_embedder_than_the_pinned_one_is_refused(fill: Fill) -> None:
    with pytest.raises(StoreError, match="hashed-words"):
        filling.open_to_fill(fill(medicine=3), "medicine", language="en", embedder="ranit-nano")


def test_nothing_to_add_makes_no_store() -> None:
    stores = MemoryStores()
    assert filling.fill(stores, "empty", []).added == 0
    assert stores.names() == []


def test_an_example_added_through_ranit_is_shown_next(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=12)
    ner = Ranit(
        ScriptedEngine({("aspirin", "drug"): ["aspirin"]}),
        retriever=StoreRetriever(stores, embedder=embedder, judge="always", k=1),
    )
    text = "aspirin was relief for every patient in the ward"
    assert ner.decide(text, ["drug"]).examples[0].example.text != ASPIRIN.text
    assert ner.add_examples("medicine", [ASPIRIN]).added == 1
    assert ner.decide(text, ["drug"]).examples[0].example.text == ASPIRIN.text
    assert ner.stores is stores


def test_stores_are_opened_also_where_the_judge_never_looks() -> None:
    ner = Ranit(ScriptedEngine({}), stores=":memory:", judge="never")
    assert ner.stores.names() == []


def test_a_retriever_without_stores_says_so() -> None:
    class Never:
        def decide(self, texts, types, *, language):  # type: ignore[no-untyped-def]
            return []

    with pytest.raises(InputError, match="Never has no stores"):
        _ = Ranit(ScriptedEngine({}), retriever=Never()).stores
