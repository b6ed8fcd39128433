"""Judges: each decides as it says, and anything callable can be one."""

from __future__ import annotations

import pytest
from worded_domains import Fill, HashedWords, sentence

from ranit_rag.errors import InputError
from ranit_rag.retrieval.judge import AskModel, Calibrated, Case, Verdict, find_judge
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.types import Decision, EntityType

TEXT = sentence("medicine", 100)


def decide(fill: Fill, embedder: HashedWords, judge: object, text: str = TEXT) -> Decision:
    retriever = StoreRetriever(fill(medicine=60, money=60), embedder=embedder, judge=judge)  # type: ignore[arg-type]
    return retriever.decide([text], [EntityType("drug")], language="en")[0]


def test_always_shows_the_best_store_and_never_shows_nothing(fill: Fill, embedder: HashedWords) -> None:
    far = "Fold the paper twice, then cut along every dotted line!"
    assert decide(fill, embedder, "always", far).route == "in_domain"
    never = decide(fill, embedder, "never")
    assert (never.route, never.examples, never.reason) == ("none", (), "examples are never shown")


def test_the_papers_rule_wants_a_bm25_of_20_and_tells_it(fill: Fill, embedder: HashedWords) -> None:
    decision = decide(fill, embedder, "paper")
    assert decision.route == "none"
    assert decision.reason == "the paper's rule; no example with BM25 ≥ 20"
    words = " and ".join(f"the {word}" for word in TEXT.split() if word not in ("the", "and", "near", "with"))
    long = ", ".join([words] * 20)
    shown = decide(fill, embedder, "paper", long)
    assert shown.route == "out_domain"
    assert all(item.bm25 is not None and item.bm25 >= 20 for item in shown.examples)


@pytest.mark.parametrize(
    ("answer", "route", "store"),
    [
        (True, "in_domain", "medicine"),
        ("money", "in_domain", "money"),
        (False, "out_domain", None),
        (None, "out_domain", None),
        (Verdict("in_domain", "because", "money"), "in_domain", "money"),
        (Verdict("none", "because"), "none", None),
    ],
)
def test_any_callable_can_judge(
    fill: Fill, embedder: HashedWords, answer: object, route: str, store: str | None
) -> None:
    decision = decide(fill, embedder, lambda case: answer)
    assert (decision.route, decision.store) == (route, store)


def test_a_judge_sees_the_text_the_types_and_the_stores_best_first(fill: Fill, embedder: HashedWords) -> None:
    seen: list[Case] = []
    decide(fill, embedder, seen.append)
    (case,) = seen
    assert (case.text, case.types, case.language, case.kind) == (TEXT, ("drug",), "en", "specific")
    assert [item.store for item in case.evidence] == ["medicine", "money"]
    assert case.evidence[0].score > case.evidence[1].score


def test_a_store_that_is_no_candidate_is_an_error(fill: Fill, embedder: HashedWords) -> None:
    with pytest.raises(InputError, match="'law'"):
        decide(fill, embedder, lambda case: "law")


@pytest.mark.parametrize(
    ("answer", "route"), [("Yes.", "in_domain"), ("是的", "in_domain"), ("no", "out_domain"), ("", "out_domain")]
)
def test_a_model_is_asked_with_examples_types_and_text(
    fill: Fill, embedder: HashedWords, answer: str, route: str
) -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return answer

    decision = decide(fill, embedder, AskModel(ask))
    assert decision.route == route
    assert repr(answer) in decision.reason
    assert TEXT in prompts[0]
    assert "'medicine'" in prompts[0]
    assert "drug, symptom" in prompts[0] or "symptom, drug" in prompts[0]
    assert prompts[0].count("\n- ") == 3


def test_a_model_is_not_sent_texts_of_any_length(fill: Fill, embedder: HashedWords) -> None:
    prompts: list[str] = []
    decide(fill, embedder, AskModel(lambda prompt: prompts.append(prompt) or "no"), f"{TEXT}. " * 500)  # type: ignore[func-returns-value]
    assert len(prompts[0]) < 3500


def test_the_wanted_rate_of_false_decisions_moves_the_threshold(fill: Fill, embedder: HashedWords) -> None:
    strict = decide(fill, embedder, Calibrated(false_rate=0.01)).threshold
    lenient = decide(fill, embedder, Calibrated(false_rate=0.5)).threshold
    assert strict is not None
    assert lenient is not None
    assert strict > lenient


@pytest.mark.parametrize("wrong", [{"threshold": 2.0}, {"false_rate": -0.1}, {"threshold": 0.5, "false_rate": 0.1}])
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Calibrated(**wrong)  # type: ignore[arg-type]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="'fair'") as error:
        find_judge("fair")
    assert "calibrated, paper, always, never" in error.value.hint
