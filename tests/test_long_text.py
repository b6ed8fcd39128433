"""Texts of any length and script, through the whole pipeline: every character is read, and every offset is exact."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import check
from text.evil_text import evil_text

from ranit_rag import Extraction, Failure, Ranit
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import InputError
from ranit_rag.testing import ScriptedEngine


@given(evil_text, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 12)), max_size=4), st.integers(8, 60))
def test_whatever_is_written_of_whatever_text(text: str, cuts: list[tuple[int, int]], window: int) -> None:
    """The model answers with slices of its window, which may begin and end in the middle of anything."""
    engine = ScriptedEngine(lambda read, _: [read[start : start + length] for start, length in cuts], window=window)
    try:
        extraction = Ranit(engine, profile="uniner.v1").extract(text, ["x", "y"])
    except InputError as error:
        assert not text.strip() or "alone is" in error.message  # noqa: PT017 — nothing to read, or no room for it
        return
    check(extraction, text)


@settings(max_examples=40, deadline=None)
@given(evil_text.filter(str.strip))
def test_what_the_embedded_model_finds_in_whatever_text(nano: TransformersEngine, text: str) -> None:
    extraction = Ranit(nano).extract(text, ["person", "地名"])
    check(extraction, text)
    assert "unparsable" not in {dropped.reason for dropped in extraction.dropped}


def test_every_kind_of_character_is_read(nano: TransformersEngine) -> None:
    kinds: dict[str, str] = {}
    for code in range(sys.maxunicode + 1):
        kinds.setdefault(unicodedata.category(chr(code)) + str(code >> 16), chr(code))
    text = "John Smith " + "".join(f" {char}x{char} " for char in kinds.values()) + " met Mary Jones."
    check(Ranit(nano).extract(text, ["person"]), text)


@pytest.mark.parametrize("length", [1, 255, 256, 257, 4096, 100_000])
def test_lengths_around_the_edges(length: int) -> None:
    text = ("ab " * length)[:length]
    check(Ranit(ScriptedEngine({("", "x"): ["ab"]}, window=256), profile="uniner.v1").extract(text, ["x"]), text)


def test_a_long_text_is_no_hindrance_to_those_beside_it() -> None:
    ner = Ranit(ScriptedEngine({("", "x"): ["ab"]}, window=64), profile="uniner.v1")
    texts = ["ab", "ab " * 3000, "cd", ""]
    results = list(ner.extract_many(texts, ["x"]))
    assert [result.text for result in results] == texts
    assert isinstance(results[3], Failure)
    assert [len(r.entities) for r in results if isinstance(r, Extraction)] == [1, 3000, 0]
