"""The words of a store."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import random_examples, stands, texts
from timing import within

from ranit_rag.precedents import Precedent
from ranit_rag.retrieval.concordance import Concordance
from ranit_rag.retrieval.lexicon import StoreLexicon, TextPrecedents
from ranit_rag.text.words import WORD, Words, lowered
from ranit_rag.types import CORRECTED, Entity, Example


def lexicon(*examples: Example) -> StoreLexicon:
    return StoreLexicon(examples)


def words_in(text: str, *examples: Example) -> list[str]:
    precedents = TextPrecedents(text, lambda: lexicon(*examples), tuple)
    labels = list(dict.fromkeys(label for example in examples for label in example.labels))
    return [text[start:end] for start, end, _ in precedents.annotated(labels)]


ROME = Example.from_mentions("Rome beat Rome United in Rome.", {"city": ["Rome"], "team": ["Rome United"]})
PLAIN = Example("Nobody went to Rome.")


class TestSpans:
    def test_words_stand_as_words_whatever_their_case(self) -> None:
        text = "ROME, Romeo and prerome saw rome United2."
        assert words_in(text, ROME) == ["ROME", "rome", "rome United"]

    def test_scripts_without_blanks_may_part_anywhere(self) -> None:
        shown = Example.from_mentions("他在北京大学。", {"地名": ["北京"]})
        assert words_in("去过北京市和2019北京站", shown) == ["北京", "北京"]

    def test_single_characters_say_too_little(self) -> None:
        assert words_in("A b c", Example.from_mentions("b", {"x": ["b"]})) == []

    def test_lower_case_of_another_length_moves_nothing(self) -> None:
        assert words_in("İİ Rome", ROME) == ["Rome"]

    def test_only_the_types_asked_for(self) -> None:
        precedents = TextPrecedents("Rome United", lambda: lexicon(ROME), tuple)
        assert list(precedents.annotated(["TEAM", "river"])) == [(0, 11, "TEAM")]
        assert list(precedents.annotated(["team", "City"])) == [(0, 4, "City"), (0, 11, "team")]

    def test_an_empty_store_knows_nothing(self) -> None:
        assert list(TextPrecedents("Rome", lexicon, tuple).annotated(["city"])) == []
        assert lexicon().precedent(["rome"], "city", ()) is None


class TestPrecedents:
    def test_examples_are_counted_not_places(self) -> None:
        assert lexicon(ROME, PLAIN).precedent(["rome"], "city", ()) == Precedent(1, 2)

    def test_a_type_is_the_same_in_any_case(self) -> None:
        assert lexicon(ROME).precedent(["rome"], "City", ()) == lexicon(ROME).precedent(["rome"], "city", ())

    def test_rows_can_be_left_out(self) -> None:
        found = lexicon(ROME, PLAIN)
        assert found.precedent(["rome"], "city", {0}) == Precedent(0, 1)
        assert found.precedent(["rome"], "city", {0, 1}) == Precedent(0, 0)

    def test_unknown_words_and_types(self) -> None:
        assert lexicon(ROME).precedent(["paris"], "city", ()) == Precedent(0, 0)
        assert lexicon(ROME).precedent(["rome"], "river", ()) is None

    def test_a_part_of_an_entity_tells_nothing_of_the_part(self) -> None:
        shown = Example.from_mentions("他得了急性肺炎，又得肺炎。", {"疾病": ["急性肺炎"]})
        within = Example.from_mentions("急性肺炎", {"疾病": ["急性肺炎"]})
        assert lexicon(within).precedent("肺炎", "疾病", ()) == Precedent(0, 0)
        assert lexicon(within, shown).precedent("肺炎", "疾病", ()) == Precedent(0, 1)

    @pytest.mark.parametrize(
        ("mention", "written"),
        [("New York", "New\nYork"), ("New York", "New\u00a0 York"), ("AT & T", "AT&T"), ("Rome ", "Rome")],
    )
    def test_blanks_do_not_count(self, mention: str, written: str) -> None:
        shown = [Example(f"To {mention}.", (Entity(mention, "x", 3, 3 + len(mention)),)) for _ in range(3)]
        precedents = TextPrecedents(f"In {written} now", lambda: lexicon(*shown), tuple)
        place = (3, 3 + len(written), "x")
        assert list(precedents.annotated(["x"])) == [place]
        found = precedents.of(*place)
        assert found is not None
        assert (found.annotated, found.seen) == (3, 3)

    def test_a_correction_tells_only_of_the_types_that_it_has(self) -> None:
        corrected = Example("Rome won.", ROME.entities[:1], source=CORRECTED)
        assert lexicon(ROME, corrected).precedent(["rome"], "city", ()) == Precedent(2, 2)
        assert lexicon(ROME, corrected).precedent(["rome"], "team", ()) == Precedent(0, 1, share=0.5)
        without_any = Example("Rome won.", source=CORRECTED)
        assert lexicon(ROME, without_any).precedent(["rome"], "city", ()) == Precedent(1, 1)

    def test_words_across_two_examples_are_none(self) -> None:
        ends, begins = Example("We like new"), Example.from_mentions("York is old.", {"city": ["York"]})
        assert lexicon(ends, begins).precedent(["new", "york"], "city", ()) == Precedent(0, 0)

    def test_types_are_told_apart_by_how_often_they_are_annotated(self) -> None:
        texts = [Example.from_mentions(f"{i} Rome", {"city": ["Rome"]}) for i in range(8)]
        texts.append(Example.from_mentions("Rome and Rome, then Bob", {"city": ["Rome"], "person": ["Bob"]}))
        assert lexicon(*texts).precedent(["lou"], "city", ()) == Precedent(0, 0, share=1.0)
        assert lexicon(*texts).precedent(["lou"], "person", ()) == Precedent(0, 0, share=1 / 9)

    def test_a_copy_is_the_same(self) -> None:
        found = lexicon(ROME)
        assert copy.deepcopy(found) is found


@given(st.text(alphabet="abAB ·,1北京\n", max_size=40), st.data())
def test_whatever_is_annotated_is_found_in_its_own_text(text: str, data: st.DataObject) -> None:
    """A span of whole words, as annotations are."""
    words = [word for word in text.split() if len(word) > 1]
    if words:
        mention = data.draw(st.sampled_from(words))
        example = Example.from_mentions(text, {"x": [mention]})
        found = lexicon(example).precedent(WORD.findall(lowered(mention)), "x", ())
        assert found is not None
        assert (found.annotated, found.seen) == (1, 1)


@given(st.lists(st.tuples(random_examples(), st.booleans()), max_size=5), texts(3), st.sampled_from("xy"), st.data())
def test_counts_are_those_that_are_made_one_by_one(
    given: list[tuple[Example, bool]], sought: str, label: str, data: st.DataObject
) -> None:
    examples = [replace(example, source=CORRECTED if corrected else "") for example, corrected in given]
    without = {row for row in range(len(examples)) if data.draw(st.booleans())}
    words = Words.of(lowered(sought)).words
    annotated = seen = 0
    for example in (example for row, example in enumerate(examples) if row not in without and words):
        tells = example.source != CORRECTED or label in {each.casefold() for each in example.labels}
        same = [each for each in example.entities if Words.of(lowered(each.text)).words == words]
        is_annotated = any(each.label.casefold() == label for each in same)
        annotated += is_annotated
        seen += tells and (is_annotated or stands(words, example))
    found = lexicon(*examples).precedent(words, label, without)
    if found is not None:
        assert (found.annotated, found.seen) == (annotated, seen)


class TestApart:
    def test_types_that_never_overlap_are(self) -> None:
        found = lexicon(ROME, Example.from_mentions("Bob saw Paris.", {"person": ["Bob"], "city": ["Paris"]}))
        assert found.apart("Person", "city")
        assert found.apart("city", "city")
        assert not found.apart("city", "team")
        assert not found.apart("city", "river"), "the store knows no rivers"

    def test_a_slip_in_many_examples_changes_nothing(self) -> None:
        many = [Example.from_mentions(f"Town{n} FC won in Town{n}.", {"team": [f"Town{n} FC"]}) for n in range(200)]
        cities = [Example.from_mentions(f"In Town{n}.", {"city": [f"Town{n}"]}) for n in range(200)]
        slip = Example.from_mentions("Rome United.", {"team": ["Rome United"], "city": ["Rome"]})
        assert lexicon(*many, *cities, slip).apart("team", "city")
        assert not lexicon(*many[:50], *cities[:50], slip).apart("team", "city")

    def test_corrections_say_nothing_of_types_that_they_lack(self) -> None:
        cities = Example.from_mentions("Rome.", {"city": ["Rome"]}, source=CORRECTED)
        teams = Example.from_mentions("Rome United.", {"team": ["Rome United"]}, source=CORRECTED)
        assert not lexicon(cities, teams).apart("city", "team")


def test_threads_that_ask_at_once_wait_for_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    at_once = threading.Barrier(8)

    class Counted(Concordance):
        def __init__(self, examples: Sequence[Example]) -> None:
            made.append(len(examples))
            time.sleep(0.05)
            super().__init__(examples)

    monkeypatch.setattr("ranit_rag.retrieval.lexicon.Concordance", Counted)
    known = lexicon(ROME, PLAIN)

    def ask(_: int) -> Precedent | None:
        at_once.wait()
        return TextPrecedents("Rome", lambda: known, tuple).of(0, 4, "city")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert made == [2]


@pytest.mark.timing
def test_new_words_are_looked_up_not_searched_for() -> None:
    """A search through all of this store takes a millisecond for each."""
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in words) for words in rng.integers(0, 5000, (20_000, 20))]
    known = lexicon(*(Example.from_mentions(text, {"x": [text.split()[0]]}) for text in texts))
    text = TextPrecedents("Some w1 here.", lambda: known, tuple)
    assert text.of(5, 7, "x") is not None
    with within(0.5):
        for word in range(1000):
            assert known.precedent(["w", str(word), "w", str(word + 1)], "x", ())


@pytest.mark.timing
def test_many_corrections_cost_a_look_up_little() -> None:
    corrected = [Example.from_mentions(f"w{n} again", {"x": [f"w{n}"]}, source=CORRECTED) for n in range(20_000)]
    known = lexicon(*corrected, Example.from_mentions("v0 v1", {"y": ["v0"]}))
    assert known.precedent(["w", "1"], "y", ()) == Precedent(0, 0, share=1 / 20_000)
    with within(0.5):
        for number in range(1000):
            assert known.precedent(["w", str(number)], "x", ()) == Precedent(1, 1)
