"""A training run that is killed, wherever it was, ends as one that was left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from training.tiny_runs import STEPS, losses, train_command

from ranit_training.sft.watching import read_metrics

WAIT = 240.0  # seconds, for a run on a busy machine to come to the point where it is killed


@pytest.fixture(scope="module")
def whole(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run([sys.executable, *train_command(data, run, base)], check=True, capture_output=True)
    return run


def kill_when(there: Callable[[], bool], command: list[str]) -> None:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + WAIT
    while not there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.timeout(600)
def test_runs_that_are_killed_go_on_to_the_same_loss(data: Path, base: Path, whole: Path, tmp_path: Path) -> None:
    """Killed three times: before the first checkpoint, after one, and while a later one is being written."""
    run = tmp_path / "run"
    command = train_command(data, run, base)
    checkpoints = run / "checkpoints"
    kill_when(lambda: any(point["step"] >= 2 for point in read_metrics(run)), command)
    kill_when(lambda: any(checkpoints.glob("checkpoint-*/trainer_state.json")), [*command, "--resume"])
    later = {f"checkpoint-{step}" for step in range(12, STEPS + 1)}
    kill_when(
        lambda: checkpoints.is_dir() and any(path.name in later for path in checkpoints.iterdir()),
        [*command, "--resume"],
    )
    subprocess.run([sys.executable, *command, "--resume"], check=True, capture_output=True)
    assert len(losses(run)) == len(losses(whole)) == STEPS
    assert losses(run) == pytest.approx(losses(whole), rel=0.01)
    assert validation(run) == pytest.approx(validation(whole), rel=0.01)


def validation(run: Path) -> list[float]:
    return [point["eval_loss"] for point in read_metrics(run) if "eval_loss" in point]
