"""The loop that all training of the small model shares: batches in, a better model out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch

from ranit_rag.progress import progress_bar
from ranit_training.nano.config import RateConfig
from ranit_training.nano.optimizing import Optimizers
from ranit_training.nano.team import ALONE, Team

BatchT = TypeVar("BatchT")

_LOG_EVERY = 50
_AGREE_EVERY = 20  # steps in which several devices do not ask each other for the time


def learn(
    model: Any,
    batches: Iterable[BatchT],
    loss_of: Callable[[Any, BatchT], torch.Tensor],
    steps: int,
    rate: RateConfig,
    *,
    team: Team = ALONE,
    parts: int = 1,
    first: int = 0,
    seconds: float = float("inf"),
    log: Path | None = None,
    progress: bool = False,
    after: Callable[[int], None] | None = None,
) -> float:
    """Train ``model`` where it is, from step ``first`` of ``steps`` on. A step's gradient is the mean over ``parts``
    batches of each process.

    Where ``seconds`` are too few for all steps, the schedule ends with them; they count from the second step, as a
    GPU's code is compiled in the first. ``after`` is called with the number of steps made, behind each. Returns the
    mean loss of the last steps, in nats a token.
    """
    torch.set_float32_matmul_precision("high")
    optimizers = Optimizers(model, rate)
    stream = iter(batches)
    losses: list[torch.Tensor] = []
    points = None if log is None or not team.leads else log.open("a" if first else "w", encoding="utf-8", buffering=1)
    begun, over = time.perf_counter(), 0.0
    with progress_bar("steps", shown=progress and team.leads, total=steps) as bar:
        for step in range(first, steps):
            if step == first + 1:
                begun = time.perf_counter()
            if team.size == 1 or step % _AGREE_EVERY == 0:
                over = team.agreed((time.perf_counter() - begun) / seconds)
            share = max(step / steps, over)
            if share >= 1:
                break
            loss = _accumulated(model, stream, loss_of, parts)
            team.average_gradients(model.parameters())
            current = optimizers.step(step, share)
            losses.append(loss)
            if step % _LOG_EVERY == 0 or step == steps - 1:
                mean = team.mean(torch.stack(losses[-_LOG_EVERY:]).mean())
                taken = round(time.perf_counter() - begun, 1)
                if points is not None:
                    points.write(json.dumps({"step": step, "loss": mean, "rate": current, "seconds": taken}) + "\n")
            bar.show(step + 1)
            if after is not None:
                after(step + 1)
    if points is not None:
        points.close()
    return team.mean(torch.stack(losses[-_LOG_EVERY:]).mean())


def _accumulated(
    model: Any, stream: Iterable[BatchT], loss_of: Callable[[Any, BatchT], torch.Tensor], parts: int
) -> torch.Tensor:
    total = torch.zeros(())
    for _, batch in zip(range(parts), stream, strict=False):
        loss = loss_of(model, batch) / parts
        loss.backward()  # type: ignore[no-untyped-call]
        total = loss.detach() + total.to(loss.device)
    return total
