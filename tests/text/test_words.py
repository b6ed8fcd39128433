"""Words as they are compared."""

from __future__ import annotations

import regex
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.text.words import WORD, Words, lowered, parted

# Letters of both kinds, marks, digits of which not all are decimal, blanks.
TEXTS = st.text() | st.text(alphabet="aB\u0301é１2²京 ·,\n", max_size=30)


class TestWords:
    def test_scripts_without_blanks_have_a_word_for_each_character(self) -> None:
        assert Words.of("去 北京2019年 Rome-x!").words == ("去", "北", "京", "2019", "年", "Rome", "-", "x", "!")

    def test_places_of_boundaries(self) -> None:
        words = Words.of("a, bc")
        assert (words.begin, words.end) == ({0: 0, 1: 1, 3: 2}, {1: 1, 2: 2, 5: 3})

    @given(TEXTS)
    def test_words_and_places_are_those_of_the_text(self, text: str) -> None:
        words = Words.of(text)
        spans = list(zip(words.begin, words.end, strict=True))
        assert [text[start:end] for start, end in spans] == list(words.words)
        assert "".join(words.words) == regex.sub(r"\s", "", text)

    @given(TEXTS, st.data())
    def test_parts_of_a_text_have_its_words_where_no_word_goes_on(self, text: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(text)))
        parts = (*WORD.findall(text[:place]), *WORD.findall(text[place:]))
        assert (parts == Words.of(text).words) == parted(text, place)


class TestLowered:
    @given(st.text())
    def test_the_length_stays(self, text: str) -> None:
        assert len(lowered(text)) == len(text)

    def test_letters_without_a_single_lower_case_letter_stay(self) -> None:
        assert lowered("İROME") == "İrome"
