"""Rivals: counted as one would by hand, in one text and over its windows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ranit_rag import Ranit
from ranit_rag.engines.base import EngineInfo
from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.rivals import Place, count_rivals
from ranit_rag.testing import ScriptedEngine

PLACES = st.sets(
    st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("abc")).map(
        lambda each: (each[0], each[0] + each[1], each[2])
    ),
    max_size=20,
)


@given(PLACES)
def test_they_are_the_overlapping_places_of_other_types(places: set[Place]) -> None:
    counted = {
        (start, end, label): sum(other != label and first < end and start < last for first, last, other in places)
        for start, end, label in places
    }
    assert count_rivals(places) == counted


class Calibrated(ScriptedEngine):
    """One whose checkpoint says that rivals share the odds."""

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, calibration=ScoreCalibration(1.0, 0.0, rivals=1.0))


ANSWERS = {("", "team"): ["Rome United"], ("", "place"): ["Rome"], ("", "person"): ["Ann Lee"]}


def scores(text: str, window: int = 1000) -> list[tuple[str, float | None]]:
    ner = Ranit(Calibrated(ANSWERS, score=0.75, window=window))
    return [(entity.label, entity.score) for entity in ner.extract(text, ["team", "place", "person"]).entities]


def test_an_entity_that_overlaps_another_type_is_less_likely() -> None:
    assert scores("Rome United thanked Ann Lee.") == [("team", 0.6), ("place", 0.6), ("person", 0.75)]


def test_windows_change_nothing() -> None:
    text = "Rome United thanked Ann Lee. " * 40
    assert scores(text, window=40) == scores(text)
