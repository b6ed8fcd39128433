"""Runs on several processes learn what one process learns, with the whole model in each and with pieces of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from training.tiny_runs import STEPS, losses, train_command

import ranit_training
from ranit_training.merge import merge

RECIPES = Path(ranit_training.__file__).parent / "recipes" / "accelerate"
SHARDING = Path(__file__).with_name("sharding_on_cpus.py")
FULL = ("--method", "full", "--learning-rate", "0.001")


def run_alone(data: Path, base: Path, run: Path, *options: str) -> Path:
    subprocess.run([sys.executable, *train_command(data, run, base, *options)], check=True, capture_output=True)
    return run


def launch(recipe: str, *command: str) -> None:
    """Run it in two processes by a launch file that ships; the others than ``cpus`` name more, and half precision."""
    given = ["--config_file", str(RECIPES / recipe), "--num_processes", "2", "--mixed_precision", "no"]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *given, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.timeout(600)
def test_two_processes_learn_as_one(data: Path, base: Path, tmp_path: Path) -> None:
    """Over gloo: the same rows in each step, so the same losses but for rounding."""
    alone = losses(run_alone(data, base, tmp_path / "alone"))
    launch("cpus.yaml", *train_command(data, tmp_path / "run", base))
    assert len(alone) == STEPS
    assert alone[-1] < 0.95 * alone[0]
    assert losses(tmp_path / "run") == pytest.approx(alone, rel=1e-4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("recipe", "options"), [("fsdp", ()), ("fsdp", FULL), ("zero2", ()), ("zero2", FULL), ("zero3", FULL)]
)
def test_a_model_in_pieces_learns_as_a_whole_one(
    data: Path, base: Path, tmp_path: Path, recipe: str, options: tuple[str, ...]
) -> None:
    """FSDP and ZeRO as they ship: the losses, and the weights that come of them, are those of one process."""
    if recipe.startswith("zero"):
        pytest.importorskip("deepspeed", reason="DeepSpeed is not installed: make test-training")
    options = (*options, "--steps", "6", "--evaluate-every", "3")
    alone, pieces = run_alone(data, base, tmp_path / "alone", *options), tmp_path / "pieces"
    launch(f"{recipe}.yaml", str(SHARDING), *train_command(data, pieces, base, *options)[2:])
    assert losses(pieces) == pytest.approx(losses(alone), rel=1e-4)
    written = [
        load_file(merge(run, run.with_suffix(".merged"), dtype="float32") / "model.safetensors")
        for run in (alone, pieces)
    ]
    assert written[0].keys() == written[1].keys()
    for name, expected in written[0].items():
        assert (written[1][name] - expected).abs().max() < 2e-3, name
