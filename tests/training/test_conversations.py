"""Conversations: what is asked, and that the answers are the record's."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import InputError, ProfileError
from ranit_rag.prompts import load_profile, parse_answer
from ranit_rag.types import EntityType, Example
from ranit_training.conversations import (
    AbsentTypes,
    Asking,
    ask_types,
    conversation_row,
    load_profiles,
    record_rng,
    training_rows,
    type_frequencies,
)

ASKING = Asking(load_profiles())
FREQUENCIES = {"person": 60, "city": 25, "river": 10, "bridge": 5}


def example(number: int, *labels: str, domain: str = "") -> Example:
    text = f"{number} " + " ".join(f"{label}{number}" for label in labels)
    return Example.from_mentions(text, {label: [f"{label}{number}"] for label in labels}, domain=domain, id=str(number))


def test_frequencies_count_each_mention_of_a_text_once() -> None:
    record = Example.from_mentions("a b a c", {"x": ["a", "b"], "y": ["a"]})
    assert type_frequencies([record, record]) == {"x": 4, "y": 2}


def test_absent_types_follow_their_frequency() -> None:
    """The first draw has the probability n_t / Σ n over the absent types: 99.99 % bounds on 20,000 draws."""
    sampler = AbsentTypes(FREQUENCIES)
    drawn = Counter(sampler.draw({"person"}, 1, record_rng(7, example(n, "person")))[0] for n in range(20_000))
    assert set(drawn) == {"city", "river", "bridge"}
    for name, count in drawn.items():
        share = FREQUENCIES[name] / 40
        assert abs(count - 20_000 * share) < 4 * math.sqrt(20_000 * share * (1 - share))


def test_for_each_present_type_there_is_one_absent_type_with_probability_one_half() -> None:
    """Their number is binomial(present, 1/2); chi-square of 3 degrees of freedom below its 99.99 % bound, 21.1."""
    records = [example(n, "a", "b", "c") for n in range(4000)] + [example(n, *"defghij") for n in range(4000, 4100)]
    counts = Counter(asked.absent for asked in ask_types(records, ASKING) if len(asked.record.labels) == 3)
    expected = [4000 * share for share in (1 / 8, 3 / 8, 3 / 8, 1 / 8)]
    assert sum((counts[n] - expected[n]) ** 2 / expected[n] for n in range(4)) < 21.1


def test_which_types_are_added_has_the_stated_joint_distribution() -> None:
    """Of a text with two types: Binomial(2, 1/2) absent ones, each next one drawn by frequency among those left.

    Chi-square over all sets of added types, with the probability of each counted out, below the 99.99 % bound.
    """
    counts = {"a": 4000, "b": 4000, "river": 1200, "city": 600, "bridge": 300, "ship": 150}
    plain = [example(n, "a", "b") for n in range(counts["a"])]
    others = [example(n, name) for name in ("river", "city", "bridge", "ship") for n in range(counts[name])]
    assert type_frequencies([*plain, *others]) == counts
    absent = {name: counts[name] for name in ("river", "city", "bridge", "ship")}
    whole = sum(absent.values())
    expected: Counter[frozenset[str]] = Counter({frozenset(): 1 / 4})
    for first, weight in absent.items():
        expected[frozenset([first])] += weight / whole / 2
        for second, other in absent.items():
            if second != first:
                expected[frozenset([first, second])] += weight / whole * other / (whole - weight) / 4
    assert sum(expected.values()) == pytest.approx(1)
    found = Counter(
        frozenset(asked.types) - {"a", "b"}
        for asked in ask_types([*plain, *others], ASKING)
        if len(asked.record.labels) == 2
    )
    assert found.keys() <= expected.keys()
    shares = {kind: len(plain) * share for kind, share in expected.items()}
    assert min(shares.values()) > 5
    assert len(shares) == 11  # 10 degrees of freedom: the bound is 35.6
    assert sum((found[kind] - share) ** 2 / share for kind, share in shares.items()) < 35.6


def test_all_types_of_a_text_are_asked_once_in_changing_order() -> None:
    records = [example(n, "a", "b", "c") for n in range(200)] + [example(n, "d", "e") for n in range(200, 300)]
    asked = list(ask_types(records, ASKING))
    assert [item.record for item in asked] == records
    assert all(set(item.record.labels) <= set(item.types) for item in asked)
    assert all(len(item.types) == len(set(item.types)) for item in asked)
    assert len({item.types[0] for item in asked[:200]}) > 3  # absent types come first, too


def test_what_is_asked_depends_on_the_seed_and_the_record_alone() -> None:
    records = [example(n, "a", "b") for n in range(50)] + [example(n, "c", "d") for n in range(50, 100)]
    first = {item.record.id: item.types for item in ask_types(records, ASKING)}
    assert first == {item.record.id: item.types for item in ask_types(records[::-1], ASKING)}
    assert first != {item.record.id: item.types for item in ask_types(records, Asking(load_profiles(), seed=1))}


def test_absent_types_of_the_own_domain() -> None:
    """A type that the annotators never looked for may well be in the text."""
    records = [example(n, "a", "b", domain="x") for n in range(60)] + [example(n, "c", domain="x") for n in range(9)]
    records += [example(n, "d", "e", domain="y") for n in range(60, 90)]
    for item in ask_types(records, Asking(load_profiles(), absent_from="domain", absent_rate=1.0)):
        assert set(item.types) <= ({"d", "e"} if item.record.domain == "y" else {"a", "b", "c"})


@given(st.sets(st.sampled_from(sorted(FREQUENCIES))), st.integers(0, 6))
def test_absent_types_end_where_there_are_no_more(present: set[str], count: int) -> None:
    drawn = AbsentTypes(FREQUENCIES).draw(present, count, record_rng(0, example(1)))
    assert len(drawn) == len(set(drawn)) == min(count, len(FREQUENCIES) - len(present))
    assert not present & set(drawn)


def test_answers_are_the_records_mentions_in_order_and_once() -> None:
    record = Example.from_mentions('Say "hi" to Bo, Al and Bo.', {"name": ["Bo", "Al"], "quote": ['"hi"']})
    profile = load_profiles()["en"]
    row = conversation_row(record, [EntityType("name"), EntityType("place"), EntityType("quote")], profile)
    answers = [turn["value"] for turn in row["conversations"][3::2]]
    assert answers == ['["Bo", "Al"]', "[]", '["\\"hi\\""]']
    assert row["conversations"][0] == {"from": "human", "value": 'Text: Say "hi" to Bo, Al and Bo.'}
    repeated = conversation_row(record, [EntityType("name")], profile, repeats=True)
    assert repeated["conversations"][-1]["value"] == '["Bo", "Al", "Bo"]'


def test_a_profile_with_one_query_gets_one_answer_for_all_types() -> None:
    record = Example.from_mentions("Bo in Ulm", {"name": ["Bo"], "city": ["Ulm"]})
    row = conversation_row(record, [EntityType(name) for name in ("city", "river", "name")], load_profile("json.v1"))
    assert json.loads(row["conversations"][-1]["value"]) == {"city": ["Ulm"], "river": [], "name": ["Bo"]}
    assert row["system"] == load_profile("json.v1").system
    parsed = parse_answer(
        row["conversations"][-1]["value"], types=("city", "river", "name"), form="object", truncated=False
    )
    assert {(m.text, m.label) for m in parsed.mentions} == {("Ulm", "city"), ("Bo", "name")}


def test_examples_change_nothing_but_the_first_two_turns() -> None:
    """The comparison with and without examples is about the examples alone."""
    records = [example(n, "a", "b") for n in range(20)]
    plain = list(training_rows(ask_types(records, ASKING), ASKING, [()] * 20))
    shown = list(training_rows(ask_types(records, ASKING), ASKING, [(example(99, "c"),)] * 20))
    for without, with_examples in zip(plain, shown, strict=True):
        assert with_examples["conversations"][2:] == without["conversations"]
        assert with_examples["conversations"][0]["value"].endswith("Text: 99 c99\nEntity: [{'c99': 'c'}]")
        assert (with_examples["examples"], without["examples"]) == (["99"], [])


def test_each_record_is_asked_in_its_language() -> None:
    records = [Example.from_mentions("他在北京。", {"地名": ["北京"]}), example(1, "a")]
    rows = list(training_rows(ask_types(records, ASKING), ASKING, [(), ()]))
    assert [row["conversations"][0]["value"][:3] for row in rows] == ["文本：", "Tex"]


def test_profiles_are_one_for_each_language() -> None:
    assert load_profiles(["nano-zh.v1"])["zh"].name == "nano-zh.v1"
    assert {p.name for p in load_profiles(["json.v1"]).values()} == {"json.v1"}
    with pytest.raises(ProfileError, match="two profiles are given for 'en'"):
        load_profiles(["uniner.v1", "nano-en.v1"])
    with pytest.raises(InputError, match=r"absent_rate is 1\.5"):
        Asking(load_profiles(), absent_rate=1.5)
