"""Contamination: a test text that stands in a store must be found, in any store size, and nothing else reported."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ranit_rag.stores.contamination import RepeatIndex
from ranit_rag.stores.seeds import seed_examples, seed_names
from ranit_rag.text.duplicates import NearDuplicates, text_fingerprint
from ranit_rag.types import Example

TEXTS = [example.text for name in seed_names() for example in seed_examples(name)]


def test_exact_and_near_repeats_are_told_apart() -> None:
    index = RepeatIndex([Example(text) for text in TEXTS])
    text = TEXTS[3]
    for same, exact in ((text, True), (f"  {text.upper()} ", True), (text.replace(" ", ", ", 1), False)):
        (found,) = index.find(same)
        assert (found.example.text, found.exact) == (text, exact)


def test_a_sentence_in_its_paragraph_is_a_repeat_either_way() -> None:
    sentence, paragraph = TEXTS[0], " ".join(TEXTS[:3])
    assert [found.example.text for found in RepeatIndex([Example(paragraph)]).find(sentence)] == [paragraph]
    assert [found.example.text for found in RepeatIndex([Example(sentence)]).find(paragraph)] == [sentence]


def test_texts_without_letters_and_empty_stores() -> None:
    assert RepeatIndex([]).find("anything") == []
    (found,) = RepeatIndex([Example("…!"), Example("Ann.")]).find("…!")
    assert found.exact


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, len(TEXTS) - 1),
    st.integers(0, 40),
    st.integers(0, 40),
    st.text(max_size=30),
)
def test_it_finds_what_comparing_every_pair_finds(number: int, head: int, tail: int, added: str) -> None:
    text = TEXTS[number][head : len(TEXTS[number]) - tail] + added
    index = RepeatIndex([Example(each) for each in TEXTS[:150] + TEXTS[-150:]])
    near = NearDuplicates(text)
    wanted = {
        each for each in TEXTS[:150] + TEXTS[-150:] if each in near or text_fingerprint(each) == text_fingerprint(text)
    }
    assert {found.example.text for found in index.find(text)} == wanted
