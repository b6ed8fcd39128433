"""Runs on several processes learn what one process learns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from training.tiny_runs import STEPS, losses, train_command

import ranit_training

RECIPES = Path(ranit_training.__file__).parent / "recipes" / "accelerate"


@pytest.fixture(scope="module")
def alone(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of a run in one process."""
    run = tmp_path_factory.mktemp("alone") / "run"
    subprocess.run([sys.executable, *train_command(data, run, base)], check=True, capture_output=True)
    return losses(run)


@pytest.mark.timeout(600)
def test_two_processes_learn_as_one(data: Path, base: Path, alone: list[float], tmp_path: Path) -> None:
    """By the launch file that ships, over gloo: the same rows in each step, so the same losses but for rounding."""
    launch = ["-m", "accelerate.commands.launch", "--config_file", str(RECIPES / "cpus.yaml")]
    command = [sys.executable, *launch, *train_command(data, tmp_path / "run", base)]
    subprocess.run(command, check=True, capture_output=True)
    assert len(alone) == STEPS
    assert alone[-1] < 0.95 * alone[0]
    assert losses(tmp_path / "run") == pytest.approx(alone, rel=1e-4)
