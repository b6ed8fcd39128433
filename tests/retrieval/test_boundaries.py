"""Between which words the entities of a store begin and end."""

from __future__ import annotations

from math import isclose, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import random_examples, texts

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


Observed = tuple[set[tuple[str, str]], tuple[str, str], tuple[str, str]]
"""A boundary: what begins and ends there, the two words before it and the two behind it, the nearer first."""


def observed(examples: list[Example]) -> list[Observed]:
    """Every boundary of the texts, one by one."""
    found = []
    for example in examples:
        words = Words.of(lowered(example.text))
        around = ["", "", *words.words, "", ""]
        for boundary in range(len(words.words) + 1) if words.words else ():
            kinds = set()
            for entity in example.entities:
                ends = (("begin", words.begin[entity.start]), ("end", words.end[entity.end]))
                kinds |= {(name, entity.label.casefold()) for name, place in ends if place == boundary}
            second, first, third, fourth = around[boundary : boundary + 4]
            found.append((kinds, (first, second), (third, fourth)))
    return found


def counted(known: list[Observed], words: Words, start: int, end: int, label: str) -> float:
    """The likeness by its formula, with counts that are made anew for each of its terms."""
    around = ["", "", *words.words, "", ""]
    found = 0.0
    for name, boundary in (("begin", words.begin[start]), ("end", words.end[end])):
        kind = (name, label)
        share = (sum(kind in kinds for kinds, *_ in known) + 0.5) / (len(known) + 1)
        if share * (len(known) + 1) < 1:
            return 0.0
        for side, context in ((1, around[boundary : boundary + 2][::-1]), (2, around[boundary + 2 : boundary + 4])):
            expected = share
            for near in (1, 2):
                alike = [each for each in known if list(each[side][:near]) == context[:near]]
                expected = (sum(kind in each[0] for each in alike) + 3 * expected) / (len(alike) + 3)
            found += log(expected / share)
    return found


@given(st.lists(random_examples(), max_size=5), texts(5), st.data())
def test_counts_are_those_that_are_made_one_by_one(examples: list[Example], text: str, data: st.DataObject) -> None:
    out = [row for row in range(len(examples)) if data.draw(st.booleans())]
    rest = observed([example for row, example in enumerate(examples) if row not in out])
    words, known = Words.of(lowered(text)), Concordance(examples)
    whole, part = StoreBoundaries(known), StoreBoundaries(Concordance([examples[row] for row in out]))
    for start in words.begin:
        for end in (each for each in words.end if each > start):
            for label in ("x", "y"):
                expected = counted(rest, words, start, end, label)
                assert isclose(StoreBoundaries(known, out).likeness(words, start, end, label), expected, abs_tol=1e-9)
                assert isclose(whole.likeness(words, start, end, label, part), expected, abs_tol=1e-9)


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

    def test_a_type_of_corrected_examples_alone_has_none(self) -> None:
        corrected = Example.from_mentions("Buy the phone today.", {"gadget": ["phone"]}, source=CORRECTED)
        known = StoreLexicon([*GIVEN, corrected])
        found = TextPrecedents("Buy the radio today.", lambda: known, tuple).of(8, 13, "gadget")
        assert found is not None
        assert found.bounds == 0
