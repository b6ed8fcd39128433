"""What a checkpoint's probabilities are worth: the fit, what unseen sets see, and the card it is written to."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ranit_rag.engines.calibration import ScoreCalibration, logit
from ranit_rag.engines.checkpoint import embedded_model, read_checkpoint
from ranit_rag.errors import DataError, InputError
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.reliability import calibration_error
from ranit_rag.overlaps import Decoding
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.types import Entity, Example
from ranit_training.calibration import FoundSet, learn, together, write_card
from ranit_training.calibration.fitting import Outcomes, calibrated, fit, held_out
from ranit_training.cli_calibrate import calibrate


def drawn(
    seed: int, mentions: int, temperature: float = 2.0, bias: float = -1.0, rivals: float = 0.0, most: int = 0
) -> Outcomes:
    """Mentions that are right as often as the calibration says, with up to ``most`` rivals each."""
    rng = np.random.default_rng(seed)
    asked = Outcomes.of(rng.uniform(0.01, 0.99, mentions), np.zeros(mentions), rng.integers(0, most + 1, mentions))
    truth = calibrated(ScoreCalibration(temperature, bias, rivals=rivals), asked)
    return replace(asked, right=(rng.random(mentions) < truth).astype(float))


def test_the_fit_is_that_of_a_logistic_regression() -> None:
    sets = [drawn(1, 300), drawn(2, 40, 1.5, 0.5)]
    found = fit(sets)
    odds = np.array([[logit(p)] for each in sets for p in each.probabilities])
    weights = np.concatenate([np.full(each.right.size, 1 / each.right.size) for each in sets])
    model = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000)
    model.fit(odds, np.concatenate([each.right for each in sets]), weights)
    assert 1 / found.temperature == pytest.approx(model.coef_[0][0], abs=1e-3)
    assert found.bias == pytest.approx(model.intercept_[0], abs=1e-3)


def test_the_fit_finds_what_the_mentions_were_drawn_from() -> None:
    found = fit([drawn(3, 50_000)])
    assert found.temperature == pytest.approx(2.0, abs=0.1)
    assert found.bias == pytest.approx(-1.0, abs=0.05)
    assert found.rivals == 0, "no mention has any"


def test_the_fit_finds_what_rivals_cost() -> None:
    found = fit([drawn(3, 50_000, rivals=0.7, most=4)])
    assert found.temperature == pytest.approx(2.0, abs=0.1)
    assert found.bias == pytest.approx(-1.0, abs=0.1)
    assert found.rivals == pytest.approx(0.7, abs=0.05)


def test_rivals_never_speak_for_a_mention() -> None:
    made = drawn(6, 2_000, most=4)
    mixed = replace(made, right=np.where(made.rivals > 2, 1.0, made.right))
    assert fit([mixed]) == fit([replace(mixed, rivals=np.zeros_like(made.rivals))])


def test_rivals_are_no_proof_where_none_of_a_few_is_right() -> None:
    made = drawn(7, 400, most=1)
    never = replace(made, right=np.where(made.rivals > 0, 0.0, made.right))
    assert fit([never]).rivals == 2
    assert fit([never])(0.99, 1) > 0.2


def test_a_set_with_many_mentions_does_not_drown_the_others() -> None:
    small, large = drawn(4, 200, 1.0, 1.0), drawn(5, 20_000, 1.0, -1.0)
    once = fit([small, large])
    assert once.bias == pytest.approx((fit([small]).bias + fit([large]).bias) / 2, abs=0.25)


@given(st.floats(0.3, 4), st.floats(-2, 2))
def test_calibration_lowers_the_error_on_a_set_that_it_has_not_seen(temperature: float, bias: float) -> None:
    sets = [drawn(seed, 3_000, temperature, bias) for seed in range(3)]
    for each, calibration in zip(sets, held_out(sets), strict=True):
        before = calibration_error(each.probabilities, each.right)
        assert calibration_error(calibrated(calibration, each), each.right) <= max(before, 0.05)


@pytest.mark.parametrize(
    "outcomes",
    [
        Outcomes.of([], []),
        Outcomes.of([0.2, 0.9], [1, 1]),
        Outcomes.of([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]),
        Outcomes.of([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
        Outcomes.of([0.5, 0.5], [0, 1]),
    ],
    ids=["none", "all right", "upside down", "parted without a doubt", "one probability"],
)
def test_mentions_that_settle_nothing_are_refused(outcomes: Outcomes) -> None:
    with pytest.raises(DataError):
        fit([outcomes])


def rome(number: int) -> FoundSet:
    """Ten texts: a team that is right and sure, a place within it that is wrong and as good as sure, so that scores do
    not tell them apart over all texts, and a doubtful person, seldom right."""
    text = "Rome United won, said Smith."
    team, place, person = (0, 11), (0, 4), (22, 27)
    examples, found = [], []
    for i in range(10):
        gold = [Entity(text[slice(*team)], "team", *team)] if i not in (1, 5) else []
        gold += [Entity(text[slice(*person)], "person", *person)] if i == number else []
        examples.append(Example(text, tuple(gold)))
        found.append(
            (
                Entity(text[slice(*team)], "team", *team, 0.8 + i / 100),
                Entity(text[slice(*place)], "place", *place, 0.795 + i / 100),
                Entity(text[slice(*person)], "person", *person, 0.2 + i / 100),
            )
        )
    evaluated = EvaluationSet(f"set {number}", "en", ("place", "team", "person"), tuple(examples), split="dev")
    return FoundSet(evaluated, tuple(found))


def test_small_sets_of_a_kind_count_as_one() -> None:
    one = together("rome", [rome(3), rome(5)])
    parts = [rome(number).outcomes for number in (3, 5)]
    assert (one.evaluated.name, len(one.evaluated.examples), len(one.found)) == ("rome", 20, 20)
    assert np.array_equal(one.outcomes.right, np.concatenate([part.right for part in parts]))
    assert [each.name for each in learn([one, rome(7), rome(8)]).sets] == ["rome", "set 7", "set 8"]


def test_what_is_recommended_is_what_scores_best_on_sets_that_were_left_out() -> None:
    learned = learn([rome(number) for number in (3, 5, 7)])
    assert learned.decoding.overlaps == "flat"
    assert (learned.decoding.min_score or 0) > 0
    assert learned.mean("f1_recommended") > learned.mean("f1_keep") + 0.2
    assert learned.mean("ece_after") < learned.mean("ece_before")
    assert max(f1 for *_, f1 in learned.f1) == pytest.approx(learned.mean("f1_recommended"), abs=1e-4)


def test_all_is_kept_where_nothing_is_gained_by_less() -> None:
    sets = [rome(number) for number in (3, 5, 7)]
    right = [FoundSet(each.evaluated, tuple(found[:1] for found in each.found)) for each in sets]
    assert learn(right).decoding == Decoding("keep", 0.0)


def test_flat_is_recommended_only_where_what_it_gains_is_no_chance() -> None:
    def nested(number: int) -> FoundSet:
        """As ``rome``, but most of the places are right."""
        each = rome(number)
        examples = tuple(
            replace(example, entities=(*example.entities, Entity("Rome", "place", 0, 4))) if i % 4 else example
            for i, example in enumerate(each.evaluated.examples)
        )
        return replace(each, evaluated=replace(each.evaluated, examples=examples))

    learned = learn([rome(3), rome(5), rome(7), rome(8), nested(2), nested(4)])
    best = {way: max(f1 for overlaps, _, f1 in learned.f1 if overlaps == way) for way in ("keep", "flat")}
    assert best["flat"] > best["keep"]
    assert learned.decoding.overlaps == "keep", "it helps on four of six sets, and does harm on two"


def test_two_sets_are_too_few() -> None:
    with pytest.raises(InputError, match="2 sets are too few"):
        learn([rome(1), rome(2)])


def test_the_card_keeps_what_it_said_before(tmp_path: Path) -> None:
    (tmp_path / "ranit.json").write_text('{"name": "mine", "profiles": {"zh": "nano-zh.v1@1"}, "calibration": 3}')
    learned = learn([rome(number) for number in (3, 5, 7)])
    write_card(tmp_path, learned, how={"seed": 0})
    read = read_checkpoint(tmp_path)
    assert read.calibration is not None
    assert (read.calibration.temperature, read.calibration.bias) == (
        learned.calibration.temperature,
        learned.calibration.bias,
    )
    assert read.calibration.fitted_on["sets"]["set 3"]["mentions"] == 30
    assert read.decoding == learned.decoding
    assert read.profiles == {"zh": "nano-zh.v1@1"}
    assert json.loads((tmp_path / "ranit.json").read_text())["name"] == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["ranit.json"]


def write_set(path: Path, split: str, domain: str) -> Path:
    """A few of the seeds of a domain."""
    rows = [{**example.to_dict(), "split": split} for example in seed_examples(domain)[:12]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sets")
    splits = {"news": "dev", "finance": "test", "culture": "dev"}
    return [write_set(folder / f"{domain}.jsonl", split, domain) for domain, split in splits.items()]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    shutil.copytree(embedded_model(), tmp_path / "model")
    card = json.loads((tmp_path / "model" / "ranit.json").read_text())
    card.pop("calibration", None)
    card.pop("decoding", None)
    (tmp_path / "model" / "ranit.json").write_text(json.dumps(card))
    return tmp_path / "model"


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(calibrate, [*map(str, arguments)])


def test_the_command_measures_and_writes_the_card(checkpoint: Path, sets: list[Path], tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    tried = run(checkpoint, *sets, "--dry-run", "--journal", journal)
    assert tried.exit_code == 0, tried.output
    assert read_checkpoint(checkpoint).calibration is None
    told = json.loads(tried.stdout)
    assert [(each["name"], each["split"], each["texts"]) for each in told["sets"]] == [
        ("news", "dev", 12),
        ("finance", "test", 12),
        ("culture", "dev", 12),
    ]
    assert not math.isnan(told["mean"]["ece_after"])
    done = run(checkpoint, *sets, "--journal", journal)
    assert {**json.loads(done.stdout), "written": False} == told
    card = read_checkpoint(checkpoint)
    assert card.calibration is not None
    assert card.calibration.temperature == told["temperature"]
    assert card.decoding == Decoding(**told["decoding"])
    again = json.loads(run(checkpoint, *sets, "--dry-run").stdout)
    assert again["temperature"] == told["temperature"], "it is fitted to the model's own probabilities"


def test_a_directory_without_a_card_is_refused_before_anything_is_loaded(tmp_path: Path, sets: list[Path]) -> None:
    result = run(tmp_path, *sets)
    assert isinstance(result.exception, DataError)
    assert "there is no ranit.json" in str(result.exception)


def test_texts_that_the_model_learned_from_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    learned_from = write_set(tmp_path / "news.jsonl", "train", "news")
    result = run(checkpoint, learned_from)
    assert isinstance(result.exception, DataError)
    assert "--split" in result.exception.hint
