"""Pre-training of the small Llama on plain text, on one device.

``python -m ranit_training.nano.pretrain CONFIG --tokens tokens.npy -o DIR`` writes a checkpoint of transformers with
the embedded model's tokenizer and chat template: a base for ``ranit train``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, linear

from ranit_rag.errors import DataError
from ranit_rag.progress import progress_bar
from ranit_training.nano.config import PretrainConfig, ShapeConfig, read_section
from ranit_training.nano.corpus import Tokens
from ranit_training.nano.model import new_model, write_model
from ranit_training.nano.optimizing import Optimizers

_LOG_EVERY = 100


def batches(tokens: Tokens, config: PretrainConfig, device: str) -> Iterator[torch.Tensor]:
    """Rows of ``length + 1`` tokens without end: each epoch reads all rows in a new order and from a new offset."""
    rng = np.random.default_rng(config.seed)
    width = config.length
    if len(tokens) < config.rows * width + 2 * width:
        raise DataError(
            f"{len(tokens):,} tokens are less than a step reads", hint="make a larger corpus, or fewer rows"
        )
    while True:
        offset = int(rng.integers(width))
        starts = rng.permutation((len(tokens) - offset - 1) // width) * width + offset
        for first in range(0, len(starts) - config.rows + 1, config.rows):
            rows = np.stack([tokens[start : start + width + 1] for start in starts[first : first + config.rows]])
            batch = torch.from_numpy(rows.astype(np.int64))
            yield batch.pin_memory().to(device, non_blocking=True) if device == "cuda" else batch


def pretrain(
    plan: PretrainConfig,
    shape: ShapeConfig,
    tokens: Tokens,
    output: Path,
    *,
    device: str = "auto",
    progress: bool = False,
) -> float:
    """Train and write the checkpoint; returns the mean loss of the last steps, in nats per token."""
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    torch.manual_seed(plan.seed)
    torch.set_float32_matmul_precision("high")
    model = new_model(shape).to(device)
    optimizers = Optimizers(model, plan.rate)
    loss_of = torch.compile(_loss, dynamic=False) if device == "cuda" else _loss
    stream = batches(tokens, plan, device)
    steps = max(1, plan.tokens // (plan.rows * plan.length))
    output.mkdir(parents=True, exist_ok=True)
    log = (output / "metrics.jsonl").open("w", encoding="utf-8", buffering=1)
    begun = 0.0
    losses: list[torch.Tensor] = []
    with progress_bar("steps", shown=progress, total=steps) as bar, log:
        for step in range(steps):
            if step == 3:  # after compilation
                begun = time.perf_counter()
            share = max(step / steps, (time.perf_counter() - begun) / plan.seconds if begun else 0.0)
            if share >= 1:
                break
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                loss = loss_of(model, next(stream))
            loss.backward()  # type: ignore[no-untyped-call]
            rate = optimizers.step(step, share)
            losses.append(loss.detach())
            if step % _LOG_EVERY == 0 or step == steps - 1:
                mean = torch.stack(losses[-_LOG_EVERY:]).mean().item()
                seconds = time.perf_counter() - begun if begun else 0.0
                log.write(json.dumps({"step": step, "loss": mean, "rate": rate, "seconds": round(seconds, 1)}) + "\n")
            bar.show(step + 1)
    write_model(model, output)
    return float(torch.stack(losses[-_LOG_EVERY:]).mean())


def _loss(model: Any, rows: torch.Tensor) -> torch.Tensor:
    states = model.model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = linear(states, model.lm_head.weight.to(states.dtype))
    return cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    tokens = np.load(options.tokens, mmap_mode="r")
    plan = read_section(options.config, "pretrain", PretrainConfig)
    shape = read_section(options.config, "shape", ShapeConfig)
    pretrain(plan, shape, tokens, options.output, device=options.device, progress=True)


if __name__ == "__main__":
    main()
