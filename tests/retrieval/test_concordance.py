"""Where the words of a store's texts stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from random_examples import random_examples, stands, texts

from ranit_rag.retrieval.concordance import EDGE, Concordance
from ranit_rag.text.words import Words, lowered
from ranit_rag.types import Entity, Example

ROME = Example.from_mentions("Rome beat Rome United in Rome.", {"city": ["Rome"], "team": ["Rome United"]})
UNITED = Example.from_mentions("Rome United", {"team": ["Rome United"]})
PLAIN = Example("Nobody went to  ROME united.")


def rows(words: str, *examples: Example) -> list[int]:
    return list(Concordance(examples).rows(tuple(words.split())))


class TestRows:
    def test_words_stand_in_their_order_whatever_their_case(self) -> None:
        assert rows("rome", ROME, UNITED, PLAIN) == [0, 2]
        assert rows("rome united", ROME, UNITED, PLAIN) == [0, 1, 2]
        assert rows("united rome", ROME, UNITED, PLAIN) == []

    def test_a_part_of_an_entity_tells_nothing(self) -> None:
        assert rows("united", ROME, UNITED) == []
        assert rows("united", PLAIN) == [0]
        assert rows("rome united", UNITED) == [0]

    def test_no_words_across_two_texts(self) -> None:
        assert rows("new york", Example("We like new"), Example("York is old.")) == []

    def test_unknown_words_and_none(self) -> None:
        assert rows("paris", ROME) == rows("rome paris", ROME) == rows("", ROME) == rows("rome") == []
        assert list(Concordance([ROME]).rows((EDGE,))) == []

    def test_longer_than_the_store(self) -> None:
        assert rows("a a a a a a a a a a", Example("a"), Example("a a")) == []

    @given(st.lists(random_examples(), max_size=4), texts(3))
    def test_they_are_those_that_a_search_finds(self, examples: list[Example], sought: str) -> None:
        wanted = Words.of(lowered(sought)).words
        expected = [row for row, example in enumerate(examples) if wanted and stands(wanted, example)]
        assert list(Concordance(examples).rows(wanted)) == expected


class TestEntities:
    def test_they_stand_between_words(self) -> None:
        known = Concordance([ROME, UNITED])
        labels = {number: label for label, number in known.labels.items()}
        words = {number: word for word, number in known.numbers.items()}
        found = [
            (labels[label], " ".join(words[number] for number in known.words[begin:end].tolist()))
            for label, begin, end in known.entities.tolist()
        ]
        assert sorted(found) == [("city", "rome")] * 3 + [("team", "rome united")] * 2

    def test_those_within_words_are_not_there(self) -> None:
        inside = Example("Romeo", (Entity("Rome", "city", 0, 4), Entity("omeo", "city", 1, 5)))
        assert Concordance([inside]).entities.tolist() == []

    @given(st.lists(st.text(alphabet="aB京1 .", max_size=12), max_size=3), st.data())
    def test_each_text_is_read_whole(self, texts: list[str], data: st.DataObject) -> None:
        def entity(text: str) -> Entity:
            start = data.draw(st.integers(0, len(text) - 1))
            end = data.draw(st.integers(start + 1, len(text)))
            return Entity(text[start:end], "x", start, end)

        examples = [Example(text, tuple(entity(text) for _ in range(3)) if text else ()) for text in texts]
        known = Concordance(examples)
        words = {number: word for word, number in known.numbers.items()}
        expected = [word for text in texts for word in (EDGE, EDGE, *Words.of(lowered(text)).words)]
        assert [words[number] for number in known.words.tolist()] == [*expected, EDGE, EDGE]
