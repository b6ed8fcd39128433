"""Tuning of the small model on conversations, on one device: full weights, queries as independent branches.

``python -m ranit_training.nano.tune CONFIG --base DIR --data FILE.npz … -o DIR`` reads what ``encode`` wrote. For other
models, and for adapters, there is ``ranit train``.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from ranit_rag.progress import progress_bar
from ranit_training.nano import branches
from ranit_training.nano.config import TuneConfig, read_section
from ranit_training.nano.encode import read_branched
from ranit_training.nano.model import read_model, write_model
from ranit_training.nano.optimizing import Optimizers
from ranit_training.nano.steps import IGNORED, Plan, plan_steps

_LOG_EVERY = 50


def tune(model: Any, plan: Plan, config: TuneConfig, *, log: Path | None = None, progress: bool = False) -> float:
    """Train ``model`` where it is; returns the mean loss of the last steps, in nats for each token of an answer."""
    device = next(model.parameters()).device
    torch.set_float32_matmul_precision("high")
    optimizers = Optimizers(model, config.rate)
    loss_of = _compiled_loss() if device.type == "cuda" else _loss
    points: list[dict[str, float]] = []
    losses: list[torch.Tensor] = []
    begun = time.perf_counter()
    with progress_bar("steps", shown=progress, total=len(plan.steps)) as bar:
        for step in range(len(plan.steps)):
            batch = _on_device(plan, step, device)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                loss = loss_of(model, *batch)
            loss.backward()
            rate = optimizers.step(step, step / len(plan.steps))
            losses.append(loss.detach())
            if step % _LOG_EVERY == 0 or step == len(plan.steps) - 1:
                mean = torch.stack(losses[-_LOG_EVERY:]).mean().item()
                seconds = round(time.perf_counter() - begun, 1)
                points.append({"step": step, "loss": mean, "rate": rate, "seconds": seconds})
            bar.show(step + 1)
    if log is not None:
        log.write_text("".join(json.dumps(point) + "\n" for point in points), "utf-8")
    return float(torch.stack(losses[-_LOG_EVERY:]).mean())


def _on_device(plan: Plan, step: int, device: torch.device) -> tuple[Any, ...]:
    batch = plan.batch(step)
    arrays = (batch.ids, batch.positions, batch.codes, batch.places, batch.targets)
    if device.type != "cuda":
        ids, positions, codes, places, targets = map(torch.from_numpy, arrays)
        return ids, positions, branches.dense_mask(codes), places, targets
    pinned = [torch.from_numpy(array).pin_memory() for array in arrays]
    ids, positions, codes, places, targets = (array.to(device, non_blocking=True) for array in pinned)
    return ids, positions, branches.block_mask(codes), places, targets


def _loss(
    model: Any,
    ids: torch.Tensor,
    positions: torch.Tensor,
    mask: branches.Mask,
    places: torch.Tensor,
    targets: torch.Tensor,
) -> torch.Tensor:
    """Logits are computed where an answer is predicted, and nowhere else."""
    states = model.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).last_hidden_state
    chosen = states.flatten(0, 1)[places]
    logits = linear(chosen, model.lm_head.weight.to(chosen.dtype))
    return cross_entropy(logits.float(), targets, ignore_index=IGNORED)


@cache
def _compiled_loss() -> Any:
    return torch.compile(_loss, dynamic=False)


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
