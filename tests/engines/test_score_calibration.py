"""Calibrated scores: their formula, their order, and what a checkpoint may say of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.engines.checkpoint import embedded_model, read_checkpoint
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import EngineError, InputError
from ranit_rag.overlaps import Decoding

PROBABILITIES = st.floats(0, 1)


def test_the_score_is_the_sigmoid_of_the_scaled_log_odds() -> None:
    assert ScoreCalibration(1.0, 0.0)(0.3) == 0.3
    assert ScoreCalibration(2.0, 0.0)(0.8) == pytest.approx(2 / 3), "the square root of odds of 4 to 1"
    assert ScoreCalibration(1.0, math.log(3))(0.5) == 0.75


def test_rivals_share_the_odds() -> None:
    shared = ScoreCalibration(1.0, 0.0, rivals=1.0)
    assert [shared(0.75, rivals) for rivals in (0, 1, 2)] == [0.75, 0.6, 0.5], "odds of 3, 3/2 and 3/3"
    assert ScoreCalibration(1.0, 0.0)(0.75, 2) == 0.75
    for weight in (-0.1, math.inf, math.nan):
        with pytest.raises(InputError, match="rivals"):
            ScoreCalibration(1.0, 0.0, rivals=weight)


@given(PROBABILITIES, PROBABILITIES, st.floats(0.05, 20), st.floats(-10, 10))
def test_no_two_mentions_change_their_order(one: float, other: float, temperature: float, bias: float) -> None:
    calibration = ScoreCalibration(temperature, bias)
    low, high = calibration(min(one, other)), calibration(max(one, other))
    assert 0 <= low <= high <= 1


def test_no_probability_is_too_certain() -> None:
    for temperature in (1e-9, 1.0, 1e9):
        calibration = ScoreCalibration(temperature, -1.0)
        assert all(0 <= calibration(probability) <= 1 for probability in (0.0, 1e-300, 1.0))


@pytest.mark.parametrize(("temperature", "bias"), [(0.0, 1.0), (-1.0, 0.0), (math.inf, 0.0), (1.0, math.nan)])
def test_what_would_turn_the_order_around_is_refused(temperature: float, bias: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        ScoreCalibration(temperature, bias)


def checkpoint(directory: Path, **fields: Any) -> Path:
    (directory / "ranit.json").write_text(json.dumps({"profiles": {}, **fields}))
    return directory


def test_a_checkpoint_says_both(tmp_path: Path) -> None:
    calibration = {"temperature": 1.5, "bias": -1, "fitted_on": {"sets": ["a"]}}
    read = read_checkpoint(checkpoint(tmp_path, calibration=calibration, decoding={"overlaps": "flat"}))
    assert read.calibration == ScoreCalibration(1.5, -1, {"sets": ["a"]})
    assert read.decoding == Decoding("flat", None)
    read = read_checkpoint(checkpoint(tmp_path, calibration={**calibration, "rivals": 0.5}))
    assert read.calibration == ScoreCalibration(1.5, -1, {"sets": ["a"]}, 0.5)


def test_a_checkpoint_need_say_neither(tmp_path: Path) -> None:
    assert read_checkpoint(checkpoint(tmp_path)).calibration is None
    assert read_checkpoint(tmp_path).decoding == Decoding()


def test_neither_holds_with_an_adapter(tmp_path: Path) -> None:
    fields = {"calibration": {"temperature": 1.5, "bias": -1}, "decoding": {"overlaps": "flat"}, "context": 512}
    read = read_checkpoint(checkpoint(tmp_path, **fields))
    assert read.adapted(None) == read
    adapted = read.adapted("adapter")
    assert (adapted.calibration, adapted.decoding, adapted.context) == (None, Decoding(), 512)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"calibration": 3}, "its calibration is 3, not an object"),
        ({"calibration": {"temperature": 1.0}}, "needs a temperature and a bias"),
        ({"calibration": {"temperature": "1", "bias": 0}}, "the temperature of its calibration is '1', not a number"),
        ({"calibration": {"temperature": True, "bias": 0}}, "is True, not a number"),
        ({"calibration": {"temperature": 0, "bias": 0}}, "the temperature is 0"),
        ({"calibration": {"temperature": 1, "bias": 0, "fitted_on": [1]}}, r"its fitted_on is \[1\], not an object"),
        ({"decoding": ["flat"]}, "its decoding is"),
        ({"decoding": {"overlaps": "nested"}}, "overlaps is 'nested'"),
        ({"decoding": {"min_score": 2}}, "min_score is 2"),
        ({"decoding": {"precedents": "yes"}}, "the precedents of its decoding are 'yes', not true or false"),
        ({"decoding": {"min_score": "high"}}, "the min_score of its decoding is 'high'"),
    ],
)
def test_a_damaged_card_says_what_is_wrong(fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=rf"ranit\.json cannot be read: .*{told}") as caught:
        read_checkpoint(checkpoint(tmp_path, **fields))
    assert "ranit calibrate" in caught.value.hint


def test_an_engine_tells_what_its_checkpoint_says(nano: TransformersEngine) -> None:
    card = read_checkpoint(embedded_model())
    assert (nano.info.calibration, nano.info.decoding) == (card.calibration, card.decoding)
    assert not nano.info.renormalised, "its probabilities are shares of all tokens, whatever the grammar allows"
