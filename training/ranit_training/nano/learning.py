"""The loop that all tuning of the small model shares: batches of branched conversations in, a better model out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from ranit_rag.progress import progress_bar
from ranit_training.nano import branches
from ranit_training.nano.config import RateConfig
from ranit_training.nano.optimizing import Optimizers
from ranit_training.nano.steps import IGNORED, Batch

_LOG_EVERY = 50


def learn(
    model: Any,
    batches: Iterable[Batch],
    steps: int,
    rate: RateConfig,
    *,
    first: int = 0,
    seconds: float = float("inf"),
    log: Path | None = None,
    progress: bool = False,
    after: Callable[[int], None] | None = None,
) -> float:
    """Train ``model`` where it is, from step ``first`` of ``steps`` on, one for each batch.

    Where ``seconds`` are too few for all steps, the schedule ends with them. ``after`` is called with the number of
    steps made, behind each. Returns the mean loss of the last steps, in nats for each token of an answer.
    """
    device = next(model.parameters()).device
    torch.set_float32_matmul_precision("high")
    optimizers = Optimizers(model, rate)
    loss_of = _compiled_loss() if device.type == "cuda" else _loss
    losses: list[torch.Tensor] = []
    points = None if log is None else log.open("a" if first else "w", encoding="utf-8", buffering=1)
    begun = time.perf_counter()
    with progress_bar("steps", shown=progress, total=steps) as bar:
        for step, batch in enumerate(batches, start=first):
            share = max(step / steps, (time.perf_counter() - begun) / seconds)
            if share >= 1:
                break
            with torch.autocast(device.type, torch.bfloat16, enabled=_halves(device)):
                loss = loss_of(model, *_on_device(batch, device))
            loss.backward()
            current = optimizers.step(step, share)
            losses.append(loss.detach())
            if points is not None and (step % _LOG_EVERY == 0 or step == steps - 1):
                mean = torch.stack(losses[-_LOG_EVERY:]).mean().item()
                taken = round(time.perf_counter() - begun, 1)
                points.write(json.dumps({"step": step, "loss": mean, "rate": current, "seconds": taken}) + "\n")
            bar.show(step + 1)
            if after is not None:
                after(step + 1)
    if points is not None:
        points.close()
    return float(torch.stack(losses[-_LOG_EVERY:]).mean())


def _halves(device: torch.device) -> bool:
    """Whether bfloat16 is the faster one: on GPUs, and on CPUs that multiply tiles of it (AMX)."""
    return device.type == "cuda" or bool(torch.cpu._is_amx_tile_supported())


def _on_device(batch: Batch, device: torch.device) -> tuple[Any, ...]:
    arrays = (batch.ids, batch.positions, batch.codes, batch.places, batch.targets, batch.weights)
    if device.type != "cuda":
        ids, positions, codes, places, targets, weights = map(torch.from_numpy, arrays)
        return ids, positions, branches.dense_mask(codes), places, targets, weights
    pinned = [torch.from_numpy(array).pin_memory() for array in arrays]
    ids, positions, codes, *others = (array.to(device, non_blocking=True) for array in pinned)
    return ids, positions, branches.block_mask(codes), *others


def _loss(
    model: Any,
    ids: torch.Tensor,
    positions: torch.Tensor,
    mask: branches.Mask,
    places: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Logits are computed where something is learned, and nowhere else."""
    states = model.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).last_hidden_state
    chosen = states.flatten(0, 1)[places]
    logits = linear(chosen, model.lm_head.weight.to(chosen.dtype))
    each = cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="none")
    return (each * weights).sum() / weights.sum()


@cache
def _compiled_loss() -> Any:
    return torch.compile(_loss, dynamic=False)
