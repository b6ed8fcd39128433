"""Between which words the entities of a store begin and end."""

from __future__ import annotations

from math import isclose, log

import pytest

from ranit_rag.retrieval.boundaries import StoreBoundaries
from ranit_rag.retrieval.concordance import Concordance
from ranit_rag.retrieval.lexicon import StoreLexicon, TextPrecedents
from ranit_rag.text.words import Words, lowered
from ranit_rag.types import CORRECTED, Example

GIVEN = [
    Example.from_mentions("Give ibuprofen against fever.", {"drug": ["ibuprofen"], "disease": ["fever"]}),
    Example.from_mentions("Give aspirin against pain.", {"drug": ["aspirin"], "disease": ["pain"]}),
    Example.from_mentions("She was given a bed.", {}),
]


def likeness(text: str, mention: str, label: str, examples: list[Example] = GIVEN) -> float:
    start = text.index(mention)
    known = StoreBoundaries(Concordance(examples))
    return known.likeness(Words.of(lowered(text)), start, start + len(mention), label)


class TestLikeness:
    def test_places_like_those_of_a_types_entities_are_likelier(self) -> None:
        text = "Give naproxen against cramps, said the nurse."
        found = {words: likeness(text, words, "drug") for words in ("naproxen", "cramps", "nurse")}
        assert found["naproxen"] > 0 > max(found["cramps"], found["nurse"])
        assert likeness(text, "cramps", "disease") > 0 > likeness(text, "naproxen", "disease")

    def test_words_of_other_places_tell_nothing(self) -> None:
        assert likeness("xx yy zz vv ww", "zz", "drug") == 0

    def test_the_words_within_count_too(self) -> None:
        shown = [Example.from_mentions("他在建设银行工作。", {"公司": ["建设银行"]})]
        assert likeness("我去招商银行了", "招商银行", "公司", shown) > 0

    def test_its_arithmetic(self) -> None:
        one = [Example.from_mentions("a b", {"x": ["b"]})]  # boundaries: before a, before b, after b
        expected = 1.5 / 4  # one of three begins an x, and one ends one

        def after_two(count: int) -> float:
            """Of the one boundary beside these two words, and beside the nearer of them, ``count`` are of an x."""
            return (count + 3 * (count + 3 * expected) / 4) / 4

        assert isclose(likeness("a b", "b", "x", one), 4 * log(after_two(1) / expected))
        assert isclose(likeness("a b", "a", "x", one), 4 * log(after_two(0) / expected))

    def test_two_words_tell_more_than_one(self) -> None:
        towns = ("Rome", "Oslo", "Bern")
        shown = [Example.from_mentions(f"Ann was born in {town}.", {"birthplace": [town]}) for town in towns]
        others = [Example(f"Ann had a house in {town}.") for town in towns]
        born, house = (
            likeness(f"Bob {words} in Ulm.", "Ulm", "birthplace", [*shown, *others])
            for words in ("was born", "had a house")
        )
        assert born > house

    @pytest.mark.parametrize(("mention", "label"), [("aproxe", "drug"), ("naproxen", "person")])
    def test_nothing_is_known_within_words_nor_of_other_types(self, mention: str, label: str) -> None:
        assert likeness("Give naproxen against cramps.", mention, label) == 0

    def test_a_type_is_the_same_in_any_case(self) -> None:
        text = "Give naproxen against cramps."
        assert likeness(text, "naproxen", "DRUG") == likeness(text, "naproxen", "drug")

    def test_an_empty_store_knows_nothing(self) -> None:
        assert likeness("Give naproxen.", "naproxen", "drug", []) == 0

    def test_a_part_can_be_left_out(self) -> None:
        text = Words.of("give naproxen")
        left = StoreBoundaries(Concordance([GIVEN[0], GIVEN[2]])).likeness(text, 5, 13, "drug")
        whole = Concordance(GIVEN)
        assert isclose(left, StoreBoundaries(whole, without=[1]).likeness(text, 5, 13, "drug"))
        part = StoreBoundaries(Concordance(GIVEN[1:2]))
        assert isclose(left, StoreBoundaries(whole).likeness(text, 5, 13, "drug", part))


class TestOfAStore:
    def test_precedents_have_it(self) -> None:
        text = "Give naproxen against cramps."
        found = TextPrecedents(text, lambda: StoreLexicon(GIVEN), tuple).of(5, 13, "drug")
        assert found is not None
        assert (found.seen, found.bounds) == (0, likeness(text, "naproxen", "drug"))

    def test_examples_that_repeat_the_text_do_not_speak_for_it(self) -> None:
        text = "Give aspirin against pain."
        found = TextPrecedents(text, lambda: StoreLexicon(GIVEN), lambda: [1]).of(5, 12, "drug")
        assert found is not None
        assert isclose(found.bounds, likeness(text, "aspirin", "drug", [GIVEN[0], GIVEN[2]]))

    def test_corrected_examples_do_not_count(self) -> None:
        corrected = [Example(each.text, each.entities, source=CORRECTED) for each in GIVEN]
        found = TextPrecedents("Give naproxen!", lambda: StoreLexicon(corrected), tuple).of(5, 13, "drug")
        assert found is not None
        assert found.bounds == 0
