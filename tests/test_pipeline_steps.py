"""The way through in steps, as frameworks with a graph of their own walk it: the pool, the decision, the extraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ranit_rag import Decision, Example, Ranit
from ranit_rag.errors import InputError
from ranit_rag.testing import ScriptedEngine
from ranit_rag.types import EntityType, ShownExample

LONG = " ".join(f"Number {i} met Ada in town." for i in range(30))
EXAMPLE = Example.from_mentions("Bob met Carol.", {"person": ["Bob", "Carol"]})


class Counting:
    """Decides otherwise for every window, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
        self.asked += 1
        return [
            Decision("in_domain", f"window {number}", "people", (ShownExample(EXAMPLE, 0.5),) * (number % 2))
            for number, _ in enumerate(texts)
        ]


def ranit(retriever: Counting) -> Ranit:
    engine = ScriptedEngine(lambda text, _: ["Ada"] if "Ada" in text else [], window=120)
    return Ranit(engine, profile="uniner.v1", retriever=retriever)


def test_decisions_taken_before_are_not_taken_again() -> None:
    retriever = Counting()
    ner = ranit(retriever)
    whole = ner.extract(LONG, ["person"])
    assert len(whole.decisions) > 3
    decisions = [plan.decision for plan in ner.conversations(LONG, ["person"])]
    assert retriever.asked == 2
    again = ner.extract(LONG, ["person"], decisions=decisions)
    assert retriever.asked == 2
    assert (again.entities, again.decisions) == (whole.entities, whole.decisions)


async def test_one_decision_stands_for_all_windows_also_where_it_shows_nothing() -> None:
    ner = ranit(Counting())
    refused = Decision("none", "refused by a reader")
    extraction = await ner.aextract(LONG, ["person"], decisions=[refused])
    assert len(extraction.decisions) > 3
    assert {replace(each, start=0, end=0) for each in extraction.decisions} == {refused}


def test_decisions_and_examples_exclude_each_other() -> None:
    with pytest.raises(InputError, match="exclude each other"):
        ranit(Counting()).extract(LONG, ["person"], examples=[EXAMPLE], decisions=[Decision("none", "no")])


def test_without_stores_the_pool_is_empty() -> None:
    assert Ranit(ScriptedEngine({}), judge="never").pool("Aspirin") == []
    assert ranit(Counting()).pool("Aspirin") == []


def test_the_pool_is_what_the_judge_is_given() -> None:
    class Stores:
        """A retriever of one's own with a pool."""

        def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
            return [Decision("none", "no") for _ in texts]

        def pool(self, text: str, *, language: str) -> list[ShownExample]:
            return [ShownExample(EXAMPLE, 0.25)] if language == "en" else []

    ner = Ranit(ScriptedEngine({}), retriever=Stores())
    assert ner.pool("Eve met Mallory.") == [ShownExample(EXAMPLE, 0.25)]
    assert ner.pool("阿里巴巴在杭州成立。") == []
