"""Several devices on one run: they learn what one device learns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ranit_rag.errors import InputError
from ranit_training.nano.team import ALONE, Team

RECIPE = """
shape: {hidden: 32, layers: 1, inner: 64, heads: 2, key_value_heads: 1, head_size: 16, context: 256}
pretrain:
  {tokens: 4000, rows: 4, length: 64, seconds: 300, seed: 1,
   rate: {peak: 0.01, weight_decay: 0.1, warmup: 3, decay_from: 0.4}}
"""


def pretrain(processes: int, folder: Path) -> tuple[dict[str, torch.Tensor], list[float]]:
    out = folder / f"base{processes}"
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    start += ["--max-restarts", "1"]  # one launch of many has failed, of a cause that is not known
    start += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    run = [*start, "-m", "ranit_training.nano.pretrain", "recipe.yaml", "--tokens", "tokens.npy", "-o", str(out)]
    done = subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    points = [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return load_file(out / "model.safetensors"), points


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE, "utf-8")
    np.save(tmp_path / "tokens.npy", np.random.default_rng(0).integers(5, 500, 3_000).astype(np.uint16))
    one, losses = pretrain(1, tmp_path)
    two, together = pretrain(2, tmp_path)
    assert losses[-1] < losses[0] - 0.5
    assert together == pytest.approx(losses, rel=0.01)
    for name, weight in one.items():
        assert (two[name].float() - weight.float()).norm() < 0.03 * weight.float().norm(), name


def test_a_step_is_divided_evenly_or_not_at_all() -> None:
    assert [list(Team(rank, 3).part_of(6)) for rank in range(3)] == [[0, 3], [1, 4], [2, 5]]
    assert list(ALONE.part_of(5)) == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="5 parts cannot be divided among 3"):
        Team(0, 3).part_of(5)
