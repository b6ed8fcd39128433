"""Every model of the experiment from one base, on one GPU: ``python models.py DATA BASE OUT``.

A run is ``<strategy>.<seed>``; it reads ``DATA/<strategy>.npz`` and writes ``OUT/<strategy>.<seed>``. The seed chooses
the order of the conversations: the same in every strategy.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from ranit_training.nano.config import TuneConfig, read_section
from ranit_training.nano.encode import read_branched
from ranit_training.nano.model import read_model, write_model
from ranit_training.nano.steps import Plan, plan_steps
from ranit_training.nano.tune import tune

CONFIG = Path(__file__).with_name("run.yaml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", nargs="+", required=True)
    options = parser.parse_args()
    config = read_section(CONFIG, "tune", TuneConfig)
    plans = make_plans(options.data, options.runs, config)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = read_model(options.base).to(device)
    base = {name: weight.clone() for name, weight in model.state_dict().items()}
    options.out.mkdir(parents=True, exist_ok=True)
    for run, plan in plans.items():
        model.load_state_dict(base)
        begun = time.perf_counter()
        loss = tune(model, plan, config, log=options.out / f"{run}.metrics.jsonl")
        seconds = time.perf_counter() - begun
        partial = options.out / f".{run}"
        write_model(model, partial)
        partial.rename(options.out / run)
        tokens = sum(len(one) for one in plan.conversations) * config.epochs
        learned = sum(int(one.learned.sum()) for one in plan.conversations) * config.epochs
        told = {"run": run, "steps": len(plan.steps), "rows": plan.rows, "filling": round(plan.filling, 3)}
        told |= {"tokens": tokens, "learned tokens": learned, "loss": round(loss, 4), "seconds": round(seconds, 1)}
        print(json.dumps(told), flush=True)


def make_plans(data: Path, runs: list[str], config: TuneConfig) -> dict[str, Plan]:
    """The steps of each run; all strategies with examples share one shape, so that it is compiled once."""
    strategies = dict.fromkeys(run.partition(".")[0] for run in runs)
    encoded = {strategy: read_branched(data / f"{strategy}.npz") for strategy in strategies}
    plans: dict[str, Plan] = {}
    for run in runs:
        strategy, _, seed = run.partition(".")
        plans[run] = plan_steps(encoded[strategy], config.batch, config.length, config.epochs, int(seed))
    rows = max((plan.rows for run, plan in plans.items() if not run.startswith("none.")), default=0)
    targets = max(plan.targets for plan in plans.values())
    return {
        run: replace(plan, targets=targets, rows=plan.rows if run.startswith("none.") else rows)
        for run, plan in plans.items()
    }


if __name__ == "__main__":
    main()
