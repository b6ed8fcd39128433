"""Windows are cut at sentence ends: a wrong one parts a name, a missing one makes windows uneven."""

from __future__ import annotations

import pytest
from evil_text import evil_text
from hypothesis import given
from timing import within

from ranit_rag.text.sentences import sentence_ends


def sentences(text: str) -> list[str]:
    ends = sentence_ends(text)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. She stayed! Why? ", ["He left. ", "She stayed! ", "Why? "]),
        ("他来了。她走了！“真的吗？”是的……好", ["他来了。", "她走了！", "“真的吗？”", "是的……", "好"]),
        ("他来了!她走了", ["他来了!", "她走了"]),
        ("（完。）再见", ["（完。）", "再见"]),
        ('He said "no." Then left.', ['He said "no." ', "Then left."]),
        ("first line\nsecond line\r\n\r\nthird", ["first line\n", "second line\r\n\r\n", "third"]),
        ("Yes.\nNo.", ["Yes.\n", "No."]),
        ("in 2019. The end", ["in 2019. ", "The end"]),
        ("The answer is no. He left.", ["The answer is no. ", "He left."]),
        ("هل هذا؟ نعم", ["هل هذا؟ ", "نعم"]),
        ("यह है। वह", ["यह है। ", "वह"]),
        ("", []),
        (" \n ", [" \n "]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mr. Jones.",
        "The U.S. Army left.",
        "J. R. R. Tolkien wrote it.",
        "It costs $3.14 or 1,000.50 euros.",
        "See Fig. 3 and No. 5 of Jan. 6.",
        "1. Introduction",
        "Yahoo! said so.",
        "Visit www.example.com/index.html now",
        "Apple Inc. Chief Executive Tim Cook",
        "drugs, e.g. Aspirin, help",
        "Wait... what",
    ],
)
def test_abbreviations_numbers_and_names_hold_no_end(text: str) -> None:
    assert sentences(text) == [text]


@given(evil_text)
def test_sentences_are_the_whole_text(text: str) -> None:
    parts = sentences(text)
    assert "".join(parts) == text
    assert all(parts)


@pytest.mark.parametrize("unit", ["a", ".", ". ", "!", ".)", '."', "\n", " ", "。", "…", "Dr. ", "a.", "\u0301"])
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    with within(5):
        sentence_ends(unit * (1_000_000 // len(unit)))
