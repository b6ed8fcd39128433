"""What training makes smaller, in nats a token: of answers in branched conversations, and of plain text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from ranit_training.nano import branches
from ranit_training.nano.precision import prefers_halves
from ranit_training.nano.steps import IGNORED, Batch


def answers_loss(model: Any, batch: Batch) -> torch.Tensor:
    """The mean over a batch's targets, each by its weight."""
    device = next(model.parameters()).device
    arrays = (batch.ids, batch.positions, batch.places, batch.targets)
    ids, positions, places, targets = (_moved(torch.from_numpy(array), device).long() for array in arrays)
    codes, weights = (_moved(torch.from_numpy(array), device) for array in (batch.codes, batch.weights))
    mask = branches.block_mask(codes) if device.type == "cuda" else branches.dense_mask(codes)
    return _computed(_answers, device, model, ids, positions, mask, places, targets, weights)


def plain_loss(model: Any, rows: torch.Tensor) -> torch.Tensor:
    """The mean over ``rows`` ``[n, length + 1]`` of token ids."""
    device = next(model.parameters()).device
    return _computed(_plain, device, model, _moved(rows, device))


def _moved(array: torch.Tensor, device: torch.device) -> torch.Tensor:
    return array.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else array


def _computed(loss: Callable[..., torch.Tensor], device: torch.device, *arguments: Any) -> torch.Tensor:
    with torch.autocast(device.type, torch.bfloat16, enabled=prefers_halves(device)):
        return (_compiled(loss) if device.type == "cuda" else loss)(*arguments)


@cache
def _compiled(loss: Callable[..., torch.Tensor]) -> Any:
    return torch.compile(loss, dynamic=False)


def _answers(
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


def _plain(model: Any, rows: torch.Tensor) -> torch.Tensor:
    states = model.model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = linear(states, model.lm_head.weight.to(states.dtype))
    return cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
