"""The span grammar: every span of the text can be written, and nothing else, as the tokens of a real model spell it."""

from __future__ import annotations

import json
import re
from typing import Any

import llguidance.hf
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from llguidance import LLMatcher
from timing import within
from transformers import AutoTokenizer

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.grammar import Surface, span_grammar, surface_of
from ranit_rag.prompts.answers import write_answer, write_object_answer

ENGLISH = 'John Smith (35) of Acme-Corp. said "yes"; aspirin 10mg eased it.'
CHINESE = "张三在北京大学工作，GDP增长5.2%。"
WORDS = [
    *("John", "Smith", "naïve", "cafe\u0301", "O'Neil", "10mg", "(35)", "北京", "大学", "《三体》", "東京タワー"),
    *("한국", "שלום", "القاهرة", "🤕", "👨\u200d👩\u200d👧", "𠮷野家", "\\n", "C:\\new", 'say "hi"', "[x]", "{a}"),
    *("tab\there", "\x01", "\x7f", "\u2028", "\ufffd"),
]
words = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs", "Zs"]), min_size=1, max_size=6)


class Judge:
    """Says of answers whether the model could write them."""

    def __init__(self) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(embedded_model())
        self.surface = surface_of(self.tokenizer)
        self._ll_tokenizer = llguidance.hf.from_tokenizer(self.tokenizer)

    def allows(self, answer: str, source: str, **form: Any) -> bool:
        matcher = LLMatcher(self._ll_tokenizer, span_grammar(source, surface=self.surface, **form))
        assert not matcher.get_error()
        tokens = self.tokenizer.encode(answer, add_special_tokens=False)
        if matcher.validate_tokens(tokens) < len(tokens):
            return False
        matcher.consume_tokens(tokens)
        return bool(matcher.is_accepting())


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


class TestSpans:
    @pytest.mark.parametrize(
        "mentions",
        [
            [],
            ["John Smith"],
            ["Smith", "John"],
            ["Acme-Corp"],
            ["Acme-Corp.", "Corp"],
            ["(35)"],
            ['"yes"', "yes", 'yes"; aspirin'],
            ["10", "mg", "10mg"],
            [ENGLISH],
        ],
    )
    def test_runs_of_words_in_any_order(self, judge: Judge, mentions: list[str]) -> None:
        assert judge.allows(write_answer(mentions), ENGLISH)

    @pytest.mark.parametrize(
        ("text", "mention"),
        [("(Tom) and Tim", "Tim"), ("Acme-Corp and Capital", "Capital"), ("{Á À", "À"), ("a-10 and 12", "12")],
    )
    def test_words_that_begin_like_one_behind_punctuation(self, judge: Judge, text: str, mention: str) -> None:
        assert judge.allows(write_answer([mention]), text)

    @pytest.mark.parametrize("mentions", [["北京", "北京大学", "京大"], ["GDP"], ["5.2%"], ["张三在北京大学工作，GDP"]])
    def test_any_run_of_characters_of_a_script_without_blanks(self, judge: Judge, mentions: list[str]) -> None:
        assert judge.allows(write_answer(mentions), CHINESE)

    @pytest.mark.parametrize(
        "answer",
        [
            '["Jane"]',  # another word
            '["Joh"]',  # a part of a word
            '["ohn Smith"]',
            '["John  Smith"]',
            '["Smith John"]',
            '["john smith"]',
            '[""]',  # nothing
            '["3"]',  # a part of a number
            '["John Smith"',  # unfinished
            '["John Smith",]',
            '["John"] and more',
            '{"person": ["John"]}',
            "John Smith",
            "",
        ],
    )
    def test_nothing_else(self, judge: Judge, answer: str) -> None:
        assert not judge.allows(answer, ENGLISH)

    @given(st.lists(words, min_size=1, max_size=12), st.data())
    def test_every_run_of_words_of_any_text(self, judge: Judge, text_words: list[str], data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(text_words) - 1))
        end = data.draw(st.integers(start + 1, len(text_words)))
        assert judge.allows(write_answer([" ".join(text_words[start:end])]), " ".join(text_words))

    @given(st.lists(words, min_size=1, max_size=8).map(" ".join), st.text(st.characters(exclude_categories=["Cs"])))
    def test_no_string_that_the_text_does_not_hold(self, judge: Judge, text: str, string: str) -> None:
        assume(string not in text)
        assert not judge.allows(write_answer([string]), text)


class TestEscapes:
    """An answer is JSON: what it escapes must come whole, or the answer could end inside an escape and not parse."""

    @pytest.mark.parametrize(
        ("text", "mention"),
        [
            ('the "Heat" of', '"Heat"'),
            ("C:\\new\\table", "C:\\new\\table"),
            ("line\none", "line\none"),
            ("tab\tand", "tab\tand"),
            ("nul\x00byte", "nul\x00byte"),
            ("a \\ b", "\\"),
            ("bell\x07 rings", "bell\x07"),
        ],
    )
    def test_they_come_whole(self, judge: Judge, text: str, mention: str) -> None:
        assert judge.allows(write_answer([mention]), text)

    @pytest.mark.parametrize("answer", ['["C:\\"]', '["n"]', '["new"]', '["u0000"]', '["0000"]', '["\\"]'])
    def test_and_are_not_cut(self, judge: Judge, answer: str) -> None:
        assert not judge.allows(answer, "C:\\xnew\\ttable nul\x00byte")

    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    def test_a_whole_text_of_any_characters_can_be_quoted(self, judge: Judge, text: str) -> None:
        assert judge.allows(write_answer([text]), text)


class TestObjects:
    TYPES = ("person", 'odd "type"', "地点")

    def test_each_type_in_order_with_its_spans(self, judge: Judge) -> None:
        answer = write_object_answer({"person": ["John Smith"], 'odd "type"': [], "地点": ["Acme-Corp", "yes"]})
        assert judge.allows(answer, ENGLISH, form="object", types=self.TYPES)

    @pytest.mark.parametrize(
        "answer",
        [
            '{"person": []}',
            "[]",
            "{}",
            '{"地点": [], "odd \\"type\\"": [], "person": []}',
            '{"person": ["Jane"], "odd \\"type\\"": [], "地点": []}',
        ],
    )
    def test_nothing_else(self, judge: Judge, answer: str) -> None:
        assert not judge.allows(answer, ENGLISH, form="object", types=self.TYPES)

    def test_without_types_it_is_empty(self, judge: Judge) -> None:
        assert judge.allows("{}", ENGLISH, form="object")


class TestSources:
    def test_an_empty_text_has_an_empty_answer_alone(self, judge: Judge) -> None:
        assert judge.allows("[]", "")
        assert not judge.allows('["a"]', "")
        assert judge.allows('{"a": []}', "", form="object", types=("a",))

    def test_unpaired_surrogates_are_written_as_prompts_show_them(self, judge: Judge) -> None:
        assert judge.allows(write_answer(["a? b"]), "a\ud800 b")

    def test_a_long_window_is_compiled_in_no_time(self, judge: Judge) -> None:
        with within(1):
            assert judge.allows(write_answer(["Smith (35)"]), ENGLISH * 200)


class TestSurface:
    def test_the_joiner_is_found_by_asking_the_tokenizer(self, judge: Judge) -> None:
        assert judge.surface.joiner == "\x01 "
        assert judge.surface.normalize('["John"') == '["\x01 John"'

    def test_a_tokenizer_that_leaves_texts_alone(self) -> None:
        assert surface_of(object()) == Surface()

    def test_the_grammar_of_other_tokenizers_holds_the_text_as_it_is(self) -> None:
        pieces = json.loads(re.search(r"%regex (\{.*\}) &", span_grammar('A "b" 12 北京'))[1])  # type: ignore[index]
        assert pieces == {"substring_chunks": ["A", " ", '\\"', "b", '\\"', " ", "12", " ", "北", "京"]}

    def test_marks_stay_with_their_letters(self) -> None:
        pieces = json.loads(re.search(r"%regex (\{.*\}) &", span_grammar("cafe\u0301 か\u3099"))[1])  # type: ignore[index]
        assert pieces["substring_chunks"][0] == "cafe\u0301"
