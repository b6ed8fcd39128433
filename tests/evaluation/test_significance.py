"""Intervals hold the truth as often as they say, and chance is not taken for a difference."""

from __future__ import annotations

import numpy as np
import pytest

from ranit_rag.errors import InputError
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.reliability import abstention_curve, calibration_error, reliability_curve
from ranit_rag.evaluation.significance import compare_f1, estimate_f1


def run(texts: int, skill: float, seed: int) -> list[Counts]:
    """Texts with five mentions each, of which each is found with the chance ``skill``."""
    rng = np.random.default_rng(seed)
    return [Counts(int(right), 5, 5) for right in rng.binomial(5, skill, size=texts)]


def test_a_difference_is_found_and_chance_is_not() -> None:
    good, like_it, bad = run(200, 0.8, 1), run(200, 0.8, 2), run(200, 0.6, 3)
    better = compare_f1({"set": bad}, {"set": good})
    assert better.p_value < 0.01
    assert better.difference.low > 0
    assert better.difference.value == pytest.approx(0.2, abs=0.05)
    same = compare_f1({"set": good}, {"set": like_it})
    assert same.p_value > 0.05
    assert same.difference.low < 0 < same.difference.high
    assert compare_f1({"set": good}, {"set": good}).p_value == 1.0


def test_the_p_value_is_uniform_where_there_is_no_difference() -> None:
    values = [
        compare_f1({"s": run(40, 0.7, 2 * i)}, {"s": run(40, 0.7, 2 * i + 1)}, resamples=200).p_value
        for i in range(200)
    ]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    estimates = [estimate_f1({"s": run(100, 0.7, seed)}, resamples=300) for seed in range(200)]
    assert np.mean([e.low <= 0.7 <= e.high for e in estimates]) == pytest.approx(0.95, abs=0.04)


def test_sets_count_alike_whatever_their_size() -> None:
    sample = {"large": [Counts(1, 1, 1)] * 90, "small": [Counts(0, 1, 1)] * 10}
    assert estimate_f1(sample).value == 0.5


def test_runs_on_other_texts_are_not_compared() -> None:
    with pytest.raises(InputError, match="not on the same texts"):
        compare_f1({"a": [Counts()]}, {"b": [Counts()]})


def test_the_same_seed_gives_the_same_interval() -> None:
    sample = {"s": run(30, 0.5, 0)}
    assert estimate_f1(sample) == estimate_f1(sample)


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    probabilities, outcomes = [0.95, 0.95, 0.95, 0.95, 0.05, 0.05], [1.0, 1, 1, 0, 0, 0]
    assert calibration_error(probabilities, outcomes) == pytest.approx(0.2 * 4 / 6 + 0.05 * 2 / 6)
    assert calibration_error([1.0], [1.0]) == 0.0
    low, high = reliability_curve(probabilities, outcomes)
    assert (low.count, low.observed) == (2, 0.0)
    assert (high.low, high.high, high.count, high.observed) == (0.9, 1.0, 4, 0.75)
    assert reliability_curve([], []) == []


def test_withholding_unsure_answers_trades_recall_for_precision() -> None:
    curve = abstention_curve([0.9, 0.8, 0.3, 0.2], [1, 1, 0, 1], there=4)
    everything, half = curve[0], next(point for point in curve if point.threshold == 0.5)
    assert (everything.kept, everything.precision, everything.recall) == (1.0, 0.75, 0.75)
    assert (half.kept, half.precision, half.recall) == (0.5, 1.0, 0.5)
    assert curve[-1].precision == 0.0, "nothing is left"
