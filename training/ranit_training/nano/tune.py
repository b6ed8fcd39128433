"""Tuning of the small model on conversations, on one device: full weights, queries as independent branches.

``python -m ranit_training.nano.tune CONFIG --base DIR --data FILE.npz … -o DIR`` reads what ``encode`` wrote. For other
models, and for adapters, there is ``ranit train``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from ranit_training.nano.config import TuneConfig, read_section
from ranit_training.nano.encode import read_branched
from ranit_training.nano.learning import learn
from ranit_training.nano.losses import answers_loss
from ranit_training.nano.model import read_model, write_model
from ranit_training.nano.steps import Plan, plan_steps


def tune(model: Any, plan: Plan, config: TuneConfig, *, log: Path | None = None, progress: bool = False) -> float:
    """Train ``model`` where it is; returns the mean loss of the last steps, in nats for each token of an answer."""
    steps = len(plan.steps)
    batches = map(plan.batch, range(steps))
    return learn(model, batches, answers_loss, steps, config.rate, log=log, progress=progress)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    config = read_section(options.config, "tune", TuneConfig)
    conversations = [one for path in options.data for one in read_branched(path)]
    plan = plan_steps(conversations, config.batch, config.length, config.epochs, config.seed)
    torch.manual_seed(config.seed)
    model = read_model(options.base).to(options.device)
    options.output.mkdir(parents=True, exist_ok=True)
    tune(model, plan, config, log=options.output / "metrics.jsonl", progress=True)
    write_model(model, options.output)


if __name__ == "__main__":
    main()
