"""Mentions are counted as UniversalNER's evaluator counts them, spans as SemEval does."""

from __future__ import annotations

import json
import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.evaluation.metrics import Counts, mention_counts, partial_counts, strict_counts, total
from ranit_rag.evaluation.universalner import answer_counts, normalise, read_answer
from ranit_rag.prompts import parse_answer
from ranit_rag.types import Entity

PIECES = [
    *("the Beatles", "The Beatles.", "beatles", "A.C. Milan", "AC Milan", "an", "", "!", "New  York", "new york"),
    *("北京", "北京。", 'He said "no"', "Paris [Texas]", "O'Neill", "ONeill", "theatre", "Café", "x\ty", "ﬁ", "ß"),
]
MALFORMED = ["", "[]", "none", '["a"', "['a']", '["a", 1]', "[1]", '[["a", "b"]]', '[{"a": 1}]', "[null]", ' ["a"]']
MALFORMED += ['["a"] and ["b"]', '["a",\n"b"]', '{"x": ["a"]}', "[[[[", '["\\ud800"]', '["a" "b"]', "[true]", "]["]


def described_score(predictions: list[str], golds: list[str]) -> tuple[float, float, float]:
    """Written from the description alone: lower case, no punctuation, no articles, blanks squeezed; micro over sets of
    strings; the answer is what stands between the opening bracket and the first closing one."""

    def read(answer: str) -> list[object]:
        body = re.match(r"\[(.*?)\]", answer)
        try:
            return list(dict.fromkeys(clean(item) for item in json.loads(body.group() if body else "[]")))
        except Exception:
            return []

    def clean(item: object) -> object:
        if isinstance(item, list):
            return tuple(clean_string(each) for each in item)
        return clean_string(item)

    def clean_string(mention: str) -> str:
        kept = "".join(sign for sign in mention.lower() if sign not in string.punctuation)
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())

    right = found = there = 0
    for prediction, gold in zip(predictions, golds, strict=True):
        mentions, wanted = read(prediction), read(gold)
        right += sum(mention in wanted for mention in mentions)
        found += len(mentions)
        there += len(wanted)
    precision, recall = right / (found + 1e-10), right / (there + 1e-10)
    return precision, recall, 2 * precision * recall / (precision + recall + 1e-10)


def random_pairs(number: int, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)

    def answer() -> str:
        if rng.random() < 0.15:
            return rng.choice(MALFORMED)
        mentions = [rng.choice(PIECES) for _ in range(rng.randrange(5))]
        return json.dumps(mentions, ensure_ascii=rng.random() < 0.5)

    return [(answer(), answer()) for _ in range(number)]


def test_the_score_is_that_of_the_original_evaluator_on_2000_pairs() -> None:
    pairs = random_pairs(2000, seed=6)
    whole = total(answer_counts(prediction, gold) for prediction, gold in pairs)
    expected = described_score(*map(list, zip(*pairs, strict=True)))
    assert (whole.precision, whole.recall, whole.f1) == pytest.approx(expected, abs=1e-9)
    for prediction, gold in pairs:
        assert answer_counts(prediction, gold).f1 == pytest.approx(described_score([prediction], [gold])[2], abs=1e-9)


def test_our_reading_gives_the_same_counts_where_the_original_can_read() -> None:
    """Lists of strings on one line without a bracket inside: there both readings are one."""
    for prediction, gold in random_pairs(2000, seed=7):
        if any("[" in answer[1:] or "]" in answer[:-1] or "\n" in answer for answer in (prediction, gold)):
            continue
        try:
            mentions, wanted = json.loads(prediction), json.loads(gold)
        except ValueError:
            continue
        if not all(isinstance(item, str) and item.strip() for item in [*mentions, *wanted]):
            continue  # a blank mention is none to us
        read = [m.text for m in parse_answer(prediction, types=("x",), form="list", truncated=False).mentions]
        ours = mention_counts({"x": read}, {"x": wanted}, ["x"])["x"]
        assert ours == answer_counts(prediction, gold)


def test_a_bracket_inside_a_mention_is_lost_to_the_original_alone() -> None:
    answer = json.dumps(["Paris [Texas]", "London"])
    assert read_answer(answer) is None
    read = parse_answer(answer, types=("city",), form="list", truncated=False)
    assert [mention.text for mention in read.mentions] == ["Paris [Texas]", "London"]
    assert read.problem is None


@given(st.text(max_size=40))
def test_no_answer_breaks_the_reader(answer: str) -> None:
    read = read_answer(answer)
    assert read is None or all(isinstance(item, str | tuple) for item in read)


def test_normalisation_is_that_of_squad() -> None:
    assert normalise("The  U.S.-led A-team, an") == "usled ateam"
    assert normalise("“北京”") == "“北京”", "only ASCII punctuation is dropped"


def entity(start: int, end: int, label: str = "x") -> Entity:
    return Entity("·" * (end - start), label, start, end)


def test_strict_and_partial_spans() -> None:
    gold = [entity(0, 5), entity(10, 15), entity(20, 25), entity(20, 25, "y")]
    found = [entity(0, 5), entity(0, 5), entity(9, 12), entity(13, 16), entity(20, 25, "z"), entity(24, 30, "y")]
    strict = strict_counts(found, gold, ["x", "y", "z"])
    assert strict == {"x": Counts(1, 3, 3), "y": Counts(0, 1, 1), "z": Counts(0, 1, 0)}
    partial = partial_counts(found, gold, ["x", "y", "z"])
    assert partial["x"] == Counts(1.5, 3, 3), "two pieces of one entity count as one half, not as a whole"
    assert partial["y"] == Counts(0.5, 1, 1)
    assert total(strict.values()) == Counts(1, 5, 4)


def test_nothing_found_where_nothing_is_scores_nought_as_in_the_original() -> None:
    assert (Counts().precision, Counts().recall, Counts().f1) == (0.0, 0.0, 0.0)
