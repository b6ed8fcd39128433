"""Passages: small enough to annotate, and nothing between them lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import ModelNotFoundError
from ranit_training.passages import Passage, cut_passages, load_token_counter, sample_passages
from ranit_training.sources import Document


@given(st.text(alphabet="ab 。.!\n语é", max_size=400), st.integers(4, 40))
def test_passages_cover_the_letters_and_stay_within_the_tokens(text: str, most: int) -> None:
    passages = list(cut_passages([Document(text, "x")], len, max_tokens=most, min_letters=0))
    assert all(len(passage.text) <= most for passage in passages)
    assert all(text[p.start : p.start + len(p.text)] == p.text == p.text.strip() for p in passages)
    covered = {place for p in passages for place in range(p.start, p.start + len(p.text))}
    assert all(character.isspace() for place, character in enumerate(text) if place not in covered)


def test_passages_are_whole_sentences_where_they_fit() -> None:
    text = "Dr. Smith went home. He slept well! Did he? 他睡得很好。他醒了。"
    passages = list(cut_passages([Document(text, "x")], len, max_tokens=24, min_letters=1))
    assert [p.text for p in passages] == ["Dr. Smith went home.", "He slept well! Did he?", "他睡得很好。他醒了。"]


def test_headings_and_numbers_are_no_passages() -> None:
    documents = [Document("1 2 3 4 5 6 7 8 9 10 11 12 13", "a"), Document("Results", "b"), Document("", "c")]
    assert list(cut_passages(documents, len)) == []


def test_a_sample_depends_on_the_seed_alone_and_keeps_the_order() -> None:
    passages = [Passage(str(number), "x", 0) for number in range(100)]
    first = sample_passages(passages, 10, seed=1)
    assert first == sample_passages(iter(passages), 10, seed=1) != sample_passages(passages, 10, seed=2)
    assert [int(p.text) for p in first] == sorted(int(p.text) for p in first)
    assert sample_passages(passages, 200, seed=1) == passages


def test_every_passage_is_equally_likely_in_a_sample() -> None:
    passages = [Passage(str(number), "x", 0) for number in range(20)]
    drawn = Counter(p.text for seed in range(2000) for p in sample_passages(passages, 5, seed))
    assert all(abs(count - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5 for count in drawn.values())


def test_tokens_are_counted_by_the_embedded_model_without_a_network() -> None:
    count = load_token_counter(None)
    assert count("Aspirin eased her migraine.") > 4
    assert count("word " * 10_000) > 9_000  # no truncation
    with pytest.raises(ModelNotFoundError, match="no tokenizer"):
        load_token_counter(__file__)
