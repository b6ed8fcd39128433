"""Which entities survive: no two of them overlap where that is asked, the best stay, and nothing is lost in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import within

from ranit_rag import Ranit, Request
from ranit_rag.config import Settings
from ranit_rag.engines.base import Answer
from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.errors import ConfigError, InputError
from ranit_rag.overlaps import Decoding, survivors
from ranit_rag.prompts import Conversation, Query
from ranit_rag.results import Dropped, Extraction
from ranit_rag.testing import ScriptedEngine
from ranit_rag.types import Entity

FLAT = Decoding("flat")


class AllApart:
    """Precedents of a store in which no entity overlaps another."""

    def spans(self) -> list[tuple[int, int]]:
        return []

    def of(self, start: int, end: int, label: str) -> None:
        return None

    def apart(self, one: str, other: str) -> bool:
        return True


ASKED = {"person": 0, "place": 1, "team": 2}
CURIE = "Marie Curie slept in Paris."
TYPES = ["person", "scientist", "place"]
FOUND = {("", "person"): ["Marie Curie"], ("", "scientist"): ["Marie Curie"], ("", "place"): ["Paris"]}
SCORES = {"person": 0.6, "scientist": 0.8, "place": 0.3}


class Unlike(ScriptedEngine):
    """Each type's mentions have a probability of their own; the checkpoint may say what becomes of them."""

    def __init__(self, scores: Mapping[str, float] | None = None, **info: Any) -> None:
        super().__init__(FOUND, score=0.5 if scores else None)
        self._scores = scores
        self._info = replace(self._info, **info)

    def _answer(self, conversation: Conversation, query: Query, max_tokens: int) -> Answer:
        if self._scores:
            self._logprob = math.log(self._scores[query.types[0]])
        return super()._answer(conversation, query, max_tokens)


def ranit(engine: ScriptedEngine, **options: Any) -> Ranit:
    """It asks for one type at a time."""
    return Ranit(engine, profile="uniner.v1", **options)


def found(extraction: Extraction) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in extraction.entities]


def entity(start: int, end: int, label: str = "person", score: float | None = None) -> Entity:
    return Entity("x" * (end - start), label, start, end, score)


@st.composite
def entities(draw: st.DrawFn) -> list[Entity]:
    scored = draw(st.booleans())
    keys = draw(st.sets(st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from(sorted(ASKED))), max_size=25))
    scores = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) if scored else st.none()
    drawn = [entity(start, start + length, label, draw(scores)) for start, length, label in keys]
    return sorted(drawn, key=lambda e: (e.start, -e.end))


def rank(each: Entity) -> tuple[float, int, int, int]:
    return -(each.score or 0.0), each.start - each.end, each.start, ASKED[each.label]


def overlap(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end


@given(entities(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_flat_is_the_best_of_what_overlaps_and_nothing_is_lost(given: list[Entity], least: float) -> None:
    kept, dropped = survivors(given, Decoding("flat", least), ASKED)
    for place, one in enumerate(kept):
        assert not any(overlap(one, other) for other in kept[place + 1 :])
    for each in dropped:
        assert each.entity is not None
        if each.reason == "unsure":
            assert each.entity.score is not None
            assert each.entity.score < least
            assert each.winner is None
        else:
            assert each.winner in kept
            assert overlap(each.entity, each.winner)
            assert rank(each.winner) <= rank(each.entity)
            assert not any(overlap(each.entity, other) and rank(other) < rank(each.winner) for other in kept)
    survived = [each for each in given if each in kept]
    assert survived == kept, "the order of the text"
    assert sorted([*kept, *(e.entity for e in dropped if e.entity)], key=rank) == sorted(given, key=rank)


@given(entities(), st.sampled_from([0.0, 0.3, 1.0]))
def test_keep_drops_only_what_is_unsure(given: list[Entity], least: float) -> None:
    kept, dropped = survivors(given, Decoding("keep", least), ASKED)
    assert kept == [each for each in given if each.score is None or each.score >= least]
    assert {each.reason for each in dropped} <= {"unsure"}
    assert len(kept) + len(dropped) == len(given)


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        (entity(0, 5, score=0.4), entity(3, 4, score=0.5), 1),
        (entity(0, 5, score=0.5), entity(0, 4, score=0.5), 0),
        (entity(0, 5, score=0.5), entity(3, 8, score=0.5), 0),
        (entity(0, 5, "place", 0.5), entity(0, 5, "person", 0.5), 1),
        (entity(0, 5), entity(3, 9), 1),
    ],
    ids=["score", "length", "place", "type", "length without scores"],
)
def test_ties_are_settled_by_length_then_place_then_type(one: Entity, other: Entity, winner: int) -> None:
    kept, dropped = survivors([one, other], FLAT, ASKED)
    assert kept == [(one, other)[winner]]
    loser = (other, one)[winner]
    assert dropped == [Dropped(loser.text, loser.label, "overlapped", loser, kept[0])]


def test_what_gave_way_to_a_loser_alone_stays() -> None:
    first, middle, last = entity(0, 4, score=0.9), entity(3, 7, score=0.8), entity(6, 9, score=0.7)
    assert survivors([first, middle, last], FLAT, ASKED)[0] == [first, last]


def test_entities_that_touch_do_not_overlap() -> None:
    both = [entity(0, 4, score=0.9), entity(4, 7, score=0.8)]
    assert survivors(both, FLAT, ASKED) == (both, [])


def test_all_is_kept_unless_somebody_says_otherwise() -> None:
    extraction = ranit(Unlike(SCORES)).extract(CURIE, TYPES)
    assert len(extraction.entities) == 3
    assert extraction.dropped == ()


def test_flat_says_what_won() -> None:
    extraction = ranit(Unlike(SCORES), overlaps="flat").extract(CURIE, TYPES)
    assert found(extraction) == [("Marie Curie", "scientist"), ("Paris", "place")]
    assert [each.told for each in extraction.dropped] == ["overlapped by Marie Curie (scientist 0.8)"]
    assert extraction.dropped[0].to_dict() == {
        "text": "Marie Curie",
        "label": "person",
        "reason": "overlapped",
        "start": 0,
        "end": 11,
        "score": 0.6,
        "winner": {"text": "Marie Curie", "label": "scientist", "start": 0, "end": 11, "score": 0.8},
    }


def test_entities_below_the_least_score_are_dropped_with_their_score() -> None:
    extraction = ranit(Unlike(SCORES), min_score=0.5).extract(CURIE, TYPES)
    assert "Paris" not in [text for text, _ in found(extraction)]
    (dropped,) = extraction.dropped
    assert dropped.told == "unsure: 0.3"
    assert dropped.to_dict() == {
        "text": "Paris",
        "label": "place",
        "reason": "unsure",
        "start": 21,
        "end": 26,
        "score": 0.3,
    }


def test_entities_without_scores_are_never_unsure() -> None:
    extraction = ranit(Unlike(), min_score=0.9, overlaps="flat").extract(CURIE, TYPES)
    assert found(extraction) == [("Marie Curie", "person"), ("Paris", "place")], "of equals the type asked first"


def test_a_checkpoint_recommends_and_the_caller_has_the_last_word() -> None:
    recommended = {"decoding": Decoding("flat", 0.5)}
    assert found(ranit(Unlike(SCORES, **recommended)).extract(CURIE, TYPES)) == [("Marie Curie", "scientist")]
    settings = Settings(overlaps="keep")
    kept = ranit(Unlike(SCORES, **recommended), settings=settings).extract(CURIE, TYPES)
    assert found(kept) == [("Marie Curie", "person"), ("Marie Curie", "scientist")]
    everything = ranit(Unlike(SCORES, **recommended), settings=settings, min_score=0.0).extract(CURIE, TYPES)
    assert len(everything.entities) == 3


def test_a_request_has_a_decoding_of_its_own() -> None:
    ner = ranit(Unlike(SCORES), overlaps="flat")
    requests = [Request(CURIE, TYPES), Request(CURIE, TYPES, decoding=Decoding("keep", 0.7))]
    flat, sure = ner.extract_batch(requests)
    assert isinstance(flat, Extraction)
    assert isinstance(sure, Extraction)
    assert found(flat) == [("Marie Curie", "scientist"), ("Paris", "place")]
    assert found(sure) == [("Marie Curie", "scientist")]


def test_scores_are_calibrated_before_anything_is_dropped() -> None:
    calibration = ScoreCalibration(1.0, -2.0)
    extraction = ranit(Unlike(SCORES, calibration=calibration), min_score=0.3).extract(CURIE, TYPES)
    assert [(e.label, e.score) for e in extraction.entities] == [("scientist", calibration(0.8))]
    assert {each.reason for each in extraction.dropped} == {"unsure"}


def test_shares_of_what_a_grammar_allows_are_not_calibrated() -> None:
    """vLLM's: then neither the calibration nor the least score that goes with it holds, unless the caller names one."""
    info = {"calibration": ScoreCalibration(1.0, -2.0), "decoding": Decoding("flat", 0.9), "renormalised": True}
    held = ranit(Unlike(SCORES, **info)).extract(CURIE, TYPES)
    assert [(e.label, e.score) for e in held.entities] == [("scientist", 0.8), ("place", 0.3)]
    free = ranit(Unlike(SCORES, **info), settings=Settings(grammar=False), min_score=0.0).extract(CURIE, TYPES)
    assert free.entities[0].score == ScoreCalibration(1.0, -2.0)(0.8)


def test_overlaps_are_those_of_the_whole_text_not_of_a_window() -> None:
    text = "".join(f"On day {n} Rome United won. " for n in range(40))
    answers = {("", "place"): ["Rome"], ("", "team"): ["Rome United"]}
    extraction = ranit(ScriptedEngine(answers, window=100), overlaps="flat").extract(text, ["place", "team"])
    assert len(extraction.decisions) > 5
    assert found(extraction) == [("Rome United", "team")] * 40
    assert [each.reason for each in extraction.dropped] == ["overlapped"] * 40
    assert extraction.dropped[7].entity == Entity(
        "Rome", "place", text.index("day 7 ") + 6, text.index("day 7 ") + 10, 0.9
    )


def test_wrong_values_are_refused() -> None:
    with pytest.raises(InputError, match="overlaps is 'nested'"):
        Ranit(ScriptedEngine({}), overlaps="nested")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"min_score is 1\.5"):
        Ranit(ScriptedEngine({}), min_score=1.5)
    with pytest.raises(InputError, match="min_score is nan"):
        Decoding(min_score=math.nan)


def test_a_chain_of_overlaps_that_a_store_keeps_apart_takes_time_in_proportion() -> None:
    chain = [Entity("abc", "person", 2 * n, 2 * n + 3, 0.5) for n in range(50_000)]
    with within(5):
        left, lost = survivors(chain, Decoding(), ASKED, dict.fromkeys(chain, AllApart()))
    assert left == chain[::2]
    assert len(lost) == 25_000
