"""Precedents: the arithmetic, and what they do to an extraction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worded_domains import HashedWords

from ranit_rag import Example, Extraction, Ranit
from ranit_rag.precedents import LEAST, Precedent
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores import open_stores
from ranit_rag.testing import ScriptedEngine

SCORES = st.floats(0, 1)
COUNTS = st.integers(0, 1000)
SHARES = st.floats(1e-6, 1)


class TestWeighing:
    def test_the_store_outvotes_the_model_as_it_tells_more(self) -> None:
        never = [Precedent(0, seen).weighed(0.9) for seen in (1, 4, 16, 64, 256)]
        always = [Precedent(seen, seen).weighed(0.1) for seen in (1, 4, 16, 64, 256)]
        assert never == sorted(never, reverse=True)
        assert never[-1] < 0.25
        assert always == sorted(always)
        assert always[-1] > 0.7

    def test_what_the_model_did_not_write_is_less_likely(self) -> None:
        assert Precedent(0, 1).unsaid() < Precedent(1, 1).unsaid() < LEAST <= Precedent(9, 9).unsaid()
        assert Precedent(9, 9).unsaid() < Precedent(9, 9).weighed(0.2)

    def test_a_model_without_scores_counts_as_one_in_two(self) -> None:
        assert Precedent(2, 4).weighed(None) == Precedent(2, 4).weighed(0.5)
        assert Precedent(0, 0).weighed(None) is None, "of new words nothing is known"

    def test_new_words_are_rarely_of_a_rare_type(self) -> None:
        assert Precedent(0, 0, share=0.01).weighed(0.5) < Precedent(0, 0, share=1.0).weighed(0.5)

    def test_words_count_more_in_places_like_those_of_the_type(self) -> None:
        for counts in ((0, 0), (0, 2), (2, 4), (2, 2)):
            likely, unlikely = (Precedent(*counts, bounds=bounds) for bounds in (4.0, -4.0))
            assert likely.weighed(0.5) > Precedent(*counts).weighed(0.5) > unlikely.weighed(0.5)
            assert likely.unsaid() > Precedent(*counts).unsaid() > unlikely.unsaid()

    @given(SCORES, COUNTS, COUNTS, SHARES)
    def test_it_is_a_probability_that_grows_with_the_score(
        self, score: float, annotated: int, others: int, share: float
    ) -> None:
        precedent = Precedent(annotated, annotated + others, share)
        weighed = [precedent.weighed(each) for each in (0.0, score, 1.0)]
        assert weighed == sorted(weighed)
        assert 0 <= weighed[0] <= weighed[-1] <= 1


EXAMPLES = [
    Example.from_mentions("Give ibuprofen for the fever.", {"drug": ["ibuprofen"], "disease": ["fever"]}),
    Example.from_mentions("Ibuprofen was stopped after a rash.", {"drug": ["Ibuprofen"], "disease": ["rash"]}),
    Example.from_mentions("The nurse gave aspirin for pain.", {"drug": ["aspirin"]}),
    Example.from_mentions("The nurse saw a fever again.", {"disease": ["fever"]}),
    Example.from_mentions("The nurse wrote of no fever.", {"disease": ["fever"]}),
]
TEXT = "The nurse gave IBUPROFEN against fever."


Extract = Callable[..., Extraction]


@pytest.fixture
def extract(embedder: HashedWords) -> Extract:
    def extracted(answers: dict[tuple[str, str], list[str]], text: str = TEXT, **options: Any) -> Extraction:
        stores = open_stores(":memory:")
        stores.open("clinic", embedder, create=True).add(EXAMPLES)
        types = options.pop("types", ["drug", "disease"])
        score = options.pop("score", 0.9)
        retriever = StoreRetriever(stores, embedder=embedder, judge=options.pop("judge", "always"))
        given = {"precedents": True, "profile": "uniner.v1", **options}
        return Ranit(ScriptedEngine(answers, score=score), retriever=retriever, **given).extract(text, types)

    return extracted


def found(extraction: Extraction) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in extraction.entities]


def precedent(extraction: Extraction, words: str, label: str) -> Precedent:
    assert extraction.decision.precedents is not None
    start = extraction.text.index(words)
    known = extraction.decision.precedents.of(start, start + len(words), label)
    assert known is not None
    return known


class TestExtraction:
    def test_words_that_the_store_annotates_are_found_whatever_the_model_says(self, extract: Extract) -> None:
        extraction = extract({})
        assert found(extraction) == [("IBUPROFEN", "drug"), ("fever", "disease")]
        known = [precedent(extraction, words, label) for words, label in found(extraction)]
        assert [(each.annotated, each.seen) for each in known] == [(2, 2), (3, 3)]
        assert [entity.score for entity in extraction.entities] == [each.unsaid() for each in known]
        assert extraction.decision.reason.endswith("its words as examples have them: 2 put forward, 0 dropped")

    def test_words_that_the_store_has_but_never_annotates_are_dropped(self, extract: Extract) -> None:
        extraction = extract({("", "drug"): ["nurse", "IBUPROFEN"]}, score=0.3)
        assert ("nurse", "drug") not in found(extraction)
        (dropped,) = extraction.dropped
        assert (dropped.text, dropped.reason) == ("nurse", "unsure")
        assert dropped.entity is not None
        known = precedent(extraction, "nurse", "drug")
        assert (known.annotated, known.seen) == (0, 3)
        assert dropped.entity.score == known.weighed(0.3)
        assert extraction.decision.reason.endswith("1 put forward, 1 dropped")

    def test_new_words_are_left_to_the_model(self, extract: Extract) -> None:
        text = "The nurse gave naproxen against fever."
        assert ("naproxen", "drug") in found(extract({("", "drug"): ["naproxen"]}, text))

    def test_a_type_that_the_store_does_not_annotate_is_left_to_the_model(self, extract: Extract) -> None:
        assert found(extract({("", "person"): ["nurse"]}, types=["person"])) == [("nurse", "person")]

    def test_without_them_the_model_alone_decides(self, extract: Extract) -> None:
        for chosen in (False, None):  # the scripted engine's checkpoint recommends nothing
            extraction = extract({("", "drug"): ["nurse"]}, precedents=chosen)
            assert found(extraction) == [("nurse", "drug")]
            assert "examples have them" not in extraction.decision.reason

    def test_only_the_texts_own_store_speaks(self, extract: Extract) -> None:
        assert found(extract({}, judge="never")) == []

    def test_an_example_does_not_speak_for_its_own_text(self, extract: Extract) -> None:
        assert ("aspirin", "drug") not in found(extract({}, "The nurse gave aspirin for pain!"))
        assert ("aspirin", "drug") in found(extract({}, "Ann gave aspirin for her headache."))

    def test_the_least_score_holds_for_them_too(self, extract: Extract) -> None:
        drug, disease = extract({}).entities
        assert drug.score < disease.score
        assert found(extract({}, min_score=disease.score)) == [("fever", "disease")]

    @pytest.mark.parametrize("overlaps", ["keep", "flat", None])
    def test_what_the_store_keeps_apart_overlaps_nowhere(self, extract: Extract, overlaps: str | None) -> None:
        """Of new words the type wins that stands in such a place: the examples give drugs for diseases."""
        said = {("", "drug"): ["naproxen"], ("", "disease"): ["naproxen", "against fever"]}
        extraction = extract(said, "The nurse gave naproxen against fever.", overlaps=overlaps, score=0.05)
        assert found(extraction) == [("naproxen", "drug"), ("fever", "disease")]
        lost = [(each.text, each.label, each.winner) for each in extraction.dropped]
        assert lost == list(zip(["naproxen", "against fever"], ["disease"] * 2, extraction.entities, strict=True))

    def test_a_type_that_the_store_lacks_may_overlap(self, extract: Extract) -> None:
        said = {("", "drug"): ["naproxen"], ("", "remedy"): ["naproxen"]}
        text = "The nurse gave naproxen against fever."
        assert found(extract(said, text, types=["drug", "remedy"])) == [("naproxen", "drug"), ("naproxen", "remedy")]

    def test_without_precedents_all_overlaps_are_kept(self, extract: Extract) -> None:
        said = {("", "drug"): ["naproxen"], ("", "disease"): ["naproxen"]}
        extraction = extract(said, "The nurse gave naproxen against fever.", precedents=False)
        assert found(extraction) == [("naproxen", "drug"), ("naproxen", "disease")]

    def test_in_many_windows_an_entity_is_found_once(self, extract: Extract) -> None:
        text = " ".join([TEXT] * 12)
        extraction = extract({}, text)
        assert found(extraction).count(("IBUPROFEN", "drug")) == 12
        assert min(entity.score for entity in extraction.entities) >= LEAST


def test_a_model_without_scores_wins_over_words_that_it_did_not_write(extract: Extract) -> None:
    said = {("", "disease"): ["against fever"], ("", "drug"): ["naproxen"]}
    extraction = extract(said, "The nurse gave naproxen against fever.", score=None)
    assert [(each.text, each.score) for each in extraction.entities] == [("naproxen", None), ("against fever", None)]


def test_examples_given_by_hand_are_precedents() -> None:
    ner = Ranit(ScriptedEngine({}), profile="uniner.v1", precedents=True)
    assert found(ner.extract(TEXT, ["drug", "disease"], examples=EXAMPLES)) == [
        ("IBUPROFEN", "drug"),
        ("fever", "disease"),
    ]
    repeated = ner.extract(EXAMPLES[2].text, ["drug"], examples=EXAMPLES)
    assert found(repeated) == [], "an example does not speak for itself"
    assert found(Ranit(ScriptedEngine({}), profile="uniner.v1").extract(TEXT, ["drug"], examples=EXAMPLES)) == []


def test_a_correction_speaks_only_of_its_own_types(embedder: HashedWords) -> None:
    stores = open_stores(":memory:")
    clinic = stores.open("clinic", embedder, create=True)
    clinic.add(EXAMPLES)
    retriever = StoreRetriever(stores, embedder=embedder, judge="always")
    ner = Ranit(ScriptedEngine({("", "disease"): ["gout"]}), retriever=retriever, profile="uniner.v1", precedents=True)
    for number in range(6):
        doc = ner.extract(f"Colchicine number {number} for gout.", ["drug"])
        clinic.add([doc.corrected(add=[("Colchicine", "drug")])])
    extraction = ner.extract("They gave colchicine, and the gout went.", ["drug", "disease"])
    assert found(extraction) == [("colchicine", "drug"), ("gout", "disease")]
