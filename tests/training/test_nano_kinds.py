"""Wide kinds of types: what is asked as a whole, and what is asked as absent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from plain_episodes import PLAIN

from ranit_rag import Example
from ranit_training.nano.config import EpisodeConfig
from ranit_training.nano.episodes import Episodes
from ranit_training.nano.kinds import OTHER, apart, kinds, kinds_of, wide_name, wide_questions
from ranit_training.nano.mixture import NOBODY, Inventory, Mixture
from ranit_training.nano.pieces import with_union
from ranit_training.nano.written import read_written

TEXTS = Path(__file__).parents[2] / "training" / "ranit_training" / "nano" / "texts"
BARE = replace(PLAIN, examples=(1.0,))
TRIP = Example.from_mentions("Ann left Bonn, and rowed down the Rhine.", {"city": ["Bonn"], "river": ["Rhine"]})
DOSE = Example.from_mentions("She took ibuprofen for her migraine.", {"drug": ["ibuprofen"], "disease": ["migraine"]})
NEWS = Example.from_mentions("Ann flew to Oslo.", {"person": ["Ann"], "location": ["Oslo"]})
SETS = {"trips": TRIP, "doses": DOSE, "news": NEWS}


def mixture_of(*names: str, written: bool = False) -> Mixture:
    """Sets of one text each."""
    records = [replace(SETS[name], domain=name, language="en") for name in names]
    sets = [Inventory(name, "en", row, row + 1, records[row].labels, "", written) for row, name in enumerate(names)]
    return Mixture(tuple(sets), records, *(np.full((len(names), 1), NOBODY, np.int32) for _ in range(2)))


def drawn(mixture: Mixture, config: EpisodeConfig, numbers: int = 200) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """The text, and what is answered to each question, of each episode."""
    for number in range(numbers):
        _, _, *turns = (turn.content for turn in Episodes(mixture, config, 0).episode(number).turns)
        answers = map(json.loads, turns[1::2])
        yield Episodes(mixture, config, 0).episode(number).turns[0].content, dict(zip(turns[::2], answers, strict=True))


def answered(gold: dict[str, list[str]], name: str) -> list[str] | None:
    return next((found for question, found in gold.items() if f"What describes {name} in the text?" == question), None)


# What is of what kind


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_type_of_the_written_texts_has_a_kind(language: str) -> None:
    known = {label for kind in kinds(language) for label in (*kind.types, *kind.perhaps)}
    blocks = [block for path in TEXTS.glob(f"{language}_*.txt") for block in read_written(path)]
    assert len(blocks) > 100
    assert not {label for block in blocks for label in block.labels} - known


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_type_is_of_a_kind_or_perhaps_is_and_not_both(language: str) -> None:
    for kind in kinds(language):
        assert not kind.types & kind.perhaps, kind.name
        assert len(set(kind.asked)) == len(kind.asked)


def test_types_are_apart_only_where_no_kind_is_common_and_none_is_unknown() -> None:
    assert apart("city", ["disease", "drug"], "en")
    assert not apart("city", ["disease", "location"], "en")
    assert not apart("location", ["city"], "en")
    assert not apart("museum", ["organization"], "en"), "some museums act"
    assert not apart("no such type", ["disease"], "en")
    assert kinds_of("no such type", "en") == {OTHER}
    assert kinds_of("城市", "zh") == {"location"}


# What is asked


def test_all_that_a_text_has_of_a_kind_is_asked_as_one() -> None:
    found = {kind.name: members for kind, members in wide_questions(TRIP.labels, TRIP.labels, "en")}
    assert found == {"location": ["city", "river"]}
    assert {kind.name for kind, _ in wide_questions(["drug"], ["drug"], "en", fewest=1)} == {"substance"}
    assert not list(wide_questions(["drug"], ["drug"], "en")), "one type alone leaves other substances out"
    assert not list(wide_questions(NEWS.labels, NEWS.labels, "en", fewest=1)), "its locations are called so already"
    assert not [
        kind for kind, _ in wide_questions(["city", "museum"], ["city", "museum"], "en", 1) if kind.name == "location"
    ], "whether a museum is one is not known"


def test_a_kind_is_called_by_a_name_that_is_free() -> None:
    place = next(kind for kind in kinds("en") if kind.name == "location")
    assert wide_name(place, place.asked[1:], Random(0)) == place.asked[0]
    assert wide_name(place, place.asked, Random(0)) is None


def test_a_union_has_each_span_once_in_the_order_of_the_text() -> None:
    both = Example.from_mentions("York is in York County.", {"city": ["York"], "county": ["York County"]})
    found = [(e.text, e.label) for e in with_union(both, ("city", "county"), "place").entities if e.label == "place"]
    assert found == [("York", "place"), ("York County", "place"), ("York", "place")]


def test_an_episode_asks_for_a_kind_and_expects_all_of_its_types() -> None:
    names = {name for kind in kinds("en") if kind.name == "location" for name in kind.asked}
    seen = set()
    for _, gold in drawn(mixture_of("trips"), replace(BARE, wide=1.0)):
        assert answered(gold, "city") == ["Bonn"]
        asked = {name for name in names if answered(gold, name) is not None}
        assert len(asked) == 1
        assert answered(gold, asked.copy().pop()) == ["Bonn", "Rhine"]
        seen |= asked
    assert seen == names
    assert not any(answered(gold, name) for _, gold in drawn(mixture_of("trips"), BARE, 40) for name in names)


def test_one_type_of_a_written_block_is_enough_to_ask_for_its_kind() -> None:
    wide = replace(BARE, wide=1.0)
    assert all(len(gold) == 2 for _, gold in drawn(mixture_of("doses"), wide, 40))
    written = [gold for _, gold in drawn(mixture_of("doses", written=True), wide, 80)]
    assert all(len(gold) == 3 for gold in written)
    assert any(answered(gold, "substance") == ["ibuprofen"] for gold in written)


def test_a_type_of_a_kind_that_the_set_annotates_is_never_asked_as_absent() -> None:
    foreign = replace(BARE, foreign=1.0)
    asked: dict[str, set[str]] = {"Bonn": set(), "ibuprofen": set(), "Oslo": set()}
    for text, gold in drawn(mixture_of("trips", "doses", "news"), foreign, 600):
        word = next(word for word in asked if word in text)
        asked[word] |= {
            label for label in ("person", "location", "city", "river", "drug") if answered(gold, label) == []
        }
    assert asked == {
        "Bonn": {"person", "drug"},
        "ibuprofen": {"person", "location", "city", "river"},
        "Oslo": {"drug"},
    }
