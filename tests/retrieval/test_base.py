"""Examples given by hand: always shown, but never the text itself. Decisions taken before: repeated."""

from __future__ import annotations

import pytest

from ranit_rag.errors import InputError
from ranit_rag.retrieval.base import DecidedBefore, GivenExamples, NoExamples, Retriever
from ranit_rag.types import Decision, EntityType, Example

ASPIRIN = Example.from_mentions("Aspirin eased her migraine.", {"drug": ["Aspirin"], "disease": ["migraine"]})
IBUPROFEN = Example.from_mentions("Ibuprofen lowered the fever of the child.", {"drug": ["Ibuprofen"]})


def test_they_are_shown_for_every_text_in_their_order() -> None:
    first, second = GivenExamples([ASPIRIN, IBUPROFEN]).decide(
        ["One.", "Another."], [EntityType("drug")], language="en"
    )
    assert first == second
    assert [shown.example for shown in first.examples] == [ASPIRIN, IBUPROFEN]
    assert (first.route, first.store, first.types) == ("in_domain", None, ("drug",))
    assert first.reason == "2 of 2 examples given by hand"


def test_their_types_are_asked_for_where_none_is_named() -> None:
    (decision,) = GivenExamples([ASPIRIN, IBUPROFEN]).decide(["One."], [], language="en")
    assert decision.types == ("drug", "disease")


def test_the_text_itself_is_left_out_and_the_reason_says_so() -> None:
    (decision,) = GivenExamples([ASPIRIN]).decide(["aspirin eased her migraine"], [], language="en")
    assert (decision.route, decision.examples) == ("none", ())
    assert "1 left out" in decision.reason


def test_decisions_are_repeated_one_for_each_text_or_one_for_all() -> None:
    first, second = Decision("in_domain", "near"), Decision("none", "far")
    assert DecidedBefore([first, second]).decide(["a", "b"], [], language="en") == [first, second]
    assert DecidedBefore([first]).decide(["a", "b", "c"], [], language="en") == [first] * 3
    with pytest.raises(InputError, match="2 decisions are given for 3 windows"):
        DecidedBefore([first, second]).decide(["a", "b", "c"], [], language="en")


def test_all_are_retrievers() -> None:
    assert isinstance(GivenExamples([]), Retriever)
    assert isinstance(NoExamples("never"), Retriever)
    assert isinstance(DecidedBefore([]), Retriever)
