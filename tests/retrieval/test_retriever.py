"""The retriever: what a user is shown, from which store, and why."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worded_domains import Fill, HashedWords, example, sentence

from ranit_rag.errors import InputError, StoreError
from ranit_rag.retrieval.judge import Calibrated
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.retrieval.strategies import STRATEGIES
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.text.duplicates import near_duplicate
from ranit_rag.types import Decision, EntityType, Example, entity_types

NEW = 100  # sentences from this number on are in no store


def decide(retriever: StoreRetriever, text: str, *types: str, language: str = "en") -> Decision:
    return retriever.decide([text], entity_types(types), language=language)[0]


def test_a_text_of_a_domain_is_shown_examples_of_its_store_alone_with_the_reason(
    fill: Fill, embedder: HashedWords
) -> None:
    retriever = StoreRetriever(fill(medicine=60, money=60, law=60), embedder=embedder)
    decision = decide(retriever, sentence("medicine", NEW), "drug")
    assert (decision.route, decision.store) == ("in_domain", "medicine")
    assert len(decision.examples) == 2
    assert {shown.example.domain for shown in decision.examples} == {"medicine"}
    assert decision.examples[0].similarity >= decision.examples[1].similarity
    assert decision.probability is not None
    assert decision.threshold is not None
    assert decision.probability >= decision.threshold == 0.5
    assert decision.types_score == pytest.approx(1.0)
    assert 0 < decision.p_value <= 1  # type: ignore[operator]
    assert decision.reason.startswith("medicine: text 0.")
    assert f"P(in domain) {decision.probability:.2f} ≥ 0.50" in decision.reason


def test_a_text_of_no_domain_is_shown_nothing(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=60, money=60), embedder=embedder)
    decision = decide(retriever, "Fold the paper twice, then cut along every dotted line!", "paper size")
    assert (decision.route, decision.store, decision.examples) == ("none", None, ())
    assert "< 0.50; no example with BM25" in decision.reason


def test_out_of_domain_only_what_shares_words_is_shown(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=60, money=60), embedder=embedder, judge=lambda case: None, k=5)
    decision = decide(retriever, sentence("medicine", NEW))
    assert decision.route == "out_domain"
    assert decision.store is None
    assert decision.examples
    assert all(shown.bm25 is not None and shown.bm25 >= 0.15 for shown in decision.examples)


def test_types_are_the_stores_where_none_is_named(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=60, money=60), embedder=embedder)
    assert set(decide(retriever, sentence("money", NEW)).types) == {"security", "lender"}
    assert decide(retriever, sentence("money", NEW), "bank").types == ("bank",)


def test_texts_of_a_batch_are_decided_as_one_by_one_and_embedded_together(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=40, money=40), embedder=embedder)
    texts = [sentence(domain, NEW + number) for number in range(5) for domain in ("medicine", "money")]
    together = retriever.decide(texts, [EntityType("drug")], language="en")
    assert [d.store for d in together] == [decide(retriever, text, "drug").store for text in texts]
    assert retriever.decide([], [], language="en") == []


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.integers(0, 59),
    domain=st.sampled_from(["medicine", "money"]),
    strategy=st.sampled_from(STRATEGIES),
    judge=st.sampled_from(["calibrated", "always", "paper"]),
    change=st.sampled_from(
        [str.upper, str.title, lambda t: f" {t}!! ", lambda t: t.replace(" ", "  "), lambda t: f"{t} x"]
    ),
    k=st.integers(1, 6),
)
def test_no_shown_example_repeats_the_text_or_another(
    fill: Fill,
    embedder: HashedWords,
    number: int,
    domain: str,
    strategy: str,
    judge: str,
    change,
    k: int,  # type: ignore[no-untyped-def]
) -> None:
    """A text that is in the store is the usual case of a user trying it out: it must not be its own answer."""
    stores = _same_stores(fill)
    retriever = StoreRetriever(stores, embedder=embedder, strategy=strategy, judge=judge, k=k)
    text = change(sentence(domain, number))
    decision = decide(retriever, text)
    shown = [item.example for item in decision.examples]
    assert len(shown) <= k
    assert not any(near_duplicate(text, example.text) for example in shown)
    assert len({example.id for example in shown}) == len(shown)
    if decision.route == "in_domain":
        assert {example.domain for example in shown} == {decision.store}


_MADE: list[MemoryStores] = []


def _same_stores(fill: Fill) -> MemoryStores:
    if not _MADE:
        _MADE.append(fill(medicine=60, money=60))
    return _MADE[0]


def test_a_domain_of_the_callers_restricts_to_that_store(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=60, money=60)
    decision = decide(
        StoreRetriever(stores, embedder=embedder, domain="money", judge="always"), sentence("medicine", NEW)
    )
    assert decision.store == "money"
    with pytest.raises(StoreError, match="'medicin'") as error:
        decide(StoreRetriever(stores, embedder=embedder, domain="medicin"), "text")
    assert "medicine" in error.value.hint


def test_a_correction_is_shown_to_the_next_call(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=60, money=60)
    retriever = StoreRetriever(stores, embedder=embedder)
    decide(retriever, sentence("medicine", NEW), "drug")
    corrected = Example.from_mentions("the surgeon and blood near migraine with zolpidem", {"drug": ["zolpidem"]})
    stores.open("medicine").add([corrected])
    decision = decide(retriever, "a surgeon near blood and zolpidem, some migraine too", "drug")
    assert decision.examples[0].example.text == corrected.text


def test_without_stores_or_examples_the_reason_says_so(fill: Fill, embedder: HashedWords) -> None:
    empty = MemoryStores()
    assert decide(StoreRetriever(empty), "text", "drug") == Decision("none", "there are no stores yet", types=("drug",))
    empty.open("medicine", embedder, create=True)
    assert "no store has examples" in decide(StoreRetriever(empty, embedder=embedder), "text").reason
    chinese = decide(StoreRetriever(fill(medicine=20), embedder=embedder), "文本", language="zh")
    assert (chinese.route, chinese.reason) == ("none", "no store has examples in 'zh'")


def test_a_store_alone_is_judged_against_general_text(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=60), embedder=embedder)
    assert decide(retriever, sentence("medicine", NEW), "drug").route == "in_domain"
    assert decide(retriever, "Fold the paper twice, then cut along every dotted line!").route == "none"


def test_a_small_store_is_not_a_domain_but_its_examples_can_be_found(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=7, money=60), embedder=embedder)
    decision = decide(retriever, sentence("medicine", NEW), "drug")
    assert decision.route != "in_domain"
    alone = decide(StoreRetriever(fill(medicine=7), embedder=embedder), sentence("medicine", NEW), "drug")
    assert "8 examples" in alone.reason


def test_stores_of_two_languages_and_embeddings_stand_side_by_side(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=30, money=30)
    chinese = HashedWords("hashed-chinese")
    texts = [f"患者服用药物{number}后第{number % 7}天退烧，医生{number}很满意。" for number in range(30)]
    examples = [Example.from_mentions(text, {"药物": ["药物"]}, language="zh") for text in texts]
    stores.open("医疗", chinese, create=True).add(examples)
    retriever = StoreRetriever(stores, embedder=chinese, judge="always")
    assert decide(retriever, "患者今天退烧，医生放心了。", language="zh").store == "医疗"
    assert not any("the " in text for text in chinese.embedded)


def test_two_hundred_stores_are_no_trouble(embedder: HashedWords) -> None:
    stores = MemoryStores()
    for number in range(200):
        texts = [f"item{number}x{row} of topic{number} and group{number} number {row}" for row in range(12)]
        examples = [Example.from_mentions(text, {f"kind {number}": [text.split()[0]]}, language="en") for text in texts]
        stores.open(f"store {number}", embedder, create=True).add(examples)
    retriever = StoreRetriever(stores, embedder=embedder)
    decision = decide(retriever, "something of topic77 and group77 number 99", "kind 77")
    assert (decision.route, decision.store) == ("in_domain", "store 77")


def test_threads_get_the_answers_that_one_would(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=40, money=40), embedder=embedder)
    texts = [sentence(domain, NEW + number) for number in range(4) for domain in ("medicine", "money")]
    found: dict[str, Decision] = {}
    threads = [threading.Thread(target=lambda t=text: found.update({t: decide(retriever, t)})) for text in texts]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {text: decide(retriever, text) for text in texts}


def test_the_pool_is_the_nearest_over_all_stores_without_the_text(fill: Fill, embedder: HashedWords) -> None:
    retriever = StoreRetriever(fill(medicine=40, money=40), embedder=embedder, pool=10)
    pool = retriever.pool(sentence("medicine", 3), language="en")
    assert len(pool) == 9
    assert [item.similarity for item in pool] == sorted((item.similarity for item in pool), reverse=True)
    assert example("medicine", 3).text not in [item.example.text for item in pool]


def test_k_may_be_none_at_all_and_nonsense_is_refused(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=20)
    assert decide(StoreRetriever(stores, embedder=embedder, k=0), sentence("medicine", NEW)).examples == ()
    for wrong in ({"k": -1}, {"pool": 0}, {"strategy": "best"}, {"judge": "fair"}, {"judge": "llm"}):
        with pytest.raises(InputError):
            StoreRetriever(stores, embedder=embedder, **wrong)  # type: ignore[arg-type]


def test_a_threshold_noted_with_the_store_counts_unless_one_is_given(fill: Fill, embedder: HashedWords) -> None:
    stores = fill(medicine=60, money=60)
    retriever = StoreRetriever(stores, embedder=embedder)
    text = sentence("medicine", NEW)
    assert decide(retriever, text, "drug").route == "in_domain"
    stores.open("medicine").note("threshold", 1.0)
    never = decide(retriever, text, "drug")
    assert (never.threshold, never.store) == (1.0, None)
    given_one = StoreRetriever(stores, embedder=embedder, judge=Calibrated(threshold=0.3))
    assert decide(given_one, text, "drug").threshold == 0.3


def test_a_store_of_two_languages_serves_both(embedder: HashedWords) -> None:
    stores = MemoryStores()
    english = [example("medicine", number) for number in range(30)]
    chinese = [
        Example.from_mentions(
            f"患者服用药物{number}后第{number % 7}天退烧，医生{number}很满意。", {"drug": ["药物"]}, language="zh"
        )
        for number in range(30)
    ]
    stores.open("mixed", embedder, create=True).add([*english, *chinese])
    retriever = StoreRetriever(stores, embedder=embedder)
    assert decide(retriever, sentence("medicine", NEW), "drug").store == "mixed"
    assert decide(retriever, "患者服用药物77后第3天退烧，医生77很满意吧。", "drug", language="zh").store == "mixed"
