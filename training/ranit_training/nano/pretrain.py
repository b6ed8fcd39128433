"""Pre-training of the small Llama on plain text.

``python -m ranit_training.nano.pretrain CONFIG --tokens tokens.npy -o DIR`` writes a checkpoint of transformers with
the embedded model's tokenizer and chat template: a base for ``ranit train``. ``torchrun --nproc-per-node 4 -m
ranit_training.nano.pretrain …`` does the same on four devices.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ranit_rag.errors import DataError
from ranit_training.nano.config import PretrainConfig, ShapeConfig, read_section
from ranit_training.nano.corpus import Tokens
from ranit_training.nano.learning import learn
from ranit_training.nano.losses import plain_loss
from ranit_training.nano.model import new_model, write_model
from ranit_training.nano.team import ALONE, Team


def batches(tokens: Tokens, config: PretrainConfig, team: Team = ALONE) -> Iterator[torch.Tensor]:
    """This device's rows of ``length + 1`` tokens without end: each epoch reads all rows in a new order and from a new
    offset."""
    rng = np.random.default_rng(config.seed)
    width = config.length
    mine = team.part_of(config.rows)
    if len(tokens) < config.rows * width + 2 * width:
        raise DataError(
            f"{len(tokens):,} tokens are less than a step reads", hint="make a larger corpus, or fewer rows"
        )
    while True:
        offset = int(rng.integers(width))
        starts = rng.permutation((len(tokens) - offset - 1) // width) * width + offset
        for first in range(0, len(starts) - config.rows + 1, config.rows):
            rows = np.stack([tokens[starts[first + row] : starts[first + row] + width + 1] for row in mine])
            yield torch.from_numpy(rows.astype(np.int64))


def pretrain(
    plan: PretrainConfig,
    shape: ShapeConfig,
    tokens: Tokens,
    output: Path,
    *,
    team: Team = ALONE,
    progress: bool = False,
) -> float:
    """Train and write the checkpoint; returns the mean loss of the last steps, in nats per token."""
    torch.manual_seed(plan.seed)
    model = new_model(shape).to(team.device)
    output.mkdir(parents=True, exist_ok=True)
    loss = learn(
        model,
        batches(tokens, plan, team),
        plain_loss,
        max(1, plan.tokens // (plan.rows * plan.length)),
        plan.rate,
        team=team,
        seconds=plan.seconds,
        log=output / "metrics.jsonl",
        progress=progress,
    )
    if team.leads:
        write_model(model, output)
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    tokens = np.load(options.tokens, mmap_mode="r")
    plan = read_section(options.config, "pretrain", PretrainConfig)
    shape = read_section(options.config, "shape", ShapeConfig)
    team = Team.from_environment()
    team.join()
    pretrain(plan, shape, tokens, options.output, team=team, progress=True)
    team.leave()


if __name__ == "__main__":
    main()
