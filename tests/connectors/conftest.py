"""A Ranit for the tests of connectors: a scripted engine behind stores of three small domains."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from retrieval.worded_domains import HashedWords, example

from ranit_rag import Ranit
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.testing import ScriptedEngine


@pytest.fixture
def medicine() -> Ranit:
    """Knows a few drugs and symptoms, and shows up to eight examples of medicine for texts of it."""
    stores = MemoryStores()
    for domain in ("medicine", "money", "law"):
        stores.open(domain, HashedWords(), create=True).add([example(domain, number) for number in range(60)])
    script = {("aspirin", "drug"): ["aspirin"], ("fever", "symptom"): ["fever"], ("cough", "symptom"): ["cough"]}
    retriever = StoreRetriever(stores, embedder=HashedWords(), k=8)
    return Ranit(ScriptedEngine(script, context=100_000), retriever=retriever, profile="uniner.v1")


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The JSON schema that every connector's output follows."""
    text = (resources.files("ranit_rag") / "schemas" / "extraction.v1.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
