"""Contamination: every repeat is found, without comparing each text with each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ranit_rag.text.duplicates import near_duplicate, text_fingerprint
from ranit_rag.types import Example
from ranit_training.duplicates import Sketch, SketchIndex, find_contamination
from ranit_training.sources import load_records

SENTENCE = "The committee approved the new budget for the northern districts on Monday"
PARTS = st.lists(
    st.sampled_from([SENTENCE, SENTENCE.upper(), "No.", "他在北京工作了十年。", "Other words here", "!", "ab"]),
    max_size=3,
)
TEXTS = PARTS.map(" ".join) | st.text(alphabet="abc 北京!", max_size=30)


@given(TEXTS, TEXTS)
@example("", "")
@example("!", "?")
def test_sketches_repeat_each_other_as_the_texts_do(text: str, other: str) -> None:
    assert Sketch.of(text).repeats(Sketch.of(other)) == near_duplicate(text, other)


@given(st.lists(TEXTS, max_size=12), st.lists(TEXTS, max_size=4))
def test_the_index_finds_what_a_comparison_with_each_finds(texts: list[str], asked: list[str]) -> None:
    index = SketchIndex(texts)
    for text in asked:
        same, near = index.find(text)
        fingerprint = text_fingerprint(text)
        assert same == [n for n, other in enumerate(texts) if text_fingerprint(other) == fingerprint]
        expected = [n for n, other in enumerate(texts) if near_duplicate(text, other)]
        assert near == [n for n in expected if n not in same]


def test_overlaps_are_named_and_counted() -> None:
    evaluation = [Example(SENTENCE, id="e1"), Example("Nothing of the kind was ever said.", id="e2")]
    records = [
        Example(SENTENCE.lower(), id="r1"),
        Example(f"{SENTENCE}, it was said, and more was to come in the following weeks.", id="r2"),
        Example("Something else entirely.", id="r3"),
    ]
    found = find_contamination(records, evaluation)
    assert found.contaminated == {"r1", "r2"}
    assert found.to_dict() == {
        "records": 3,
        "evaluation_texts": 2,
        "exact": 1,
        "near": 1,
        "overlaps": [("r1", "e1", "exact"), ("r2", "e1", "near")],
    }


@pytest.mark.parametrize(("name", "repeated"), [("boson_zh", 51), ("mit_movie", 31)])
def test_the_known_repeats_of_two_data_sets_are_found(shared_data: Path, name: str, repeated: int) -> None:
    path = shared_data / "ner" / f"{name}.jsonl.xz"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    train, test = (load_records([path], split=split) for split in ("train", "test"))
    assert find_contamination(train, test).to_dict()["exact"] == repeated
