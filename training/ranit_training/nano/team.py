"""Several devices on one run: ``torchrun --nproc-per-node 4 -m …`` starts a process for each, which does its part of
every step.

Without torchrun there is one process, and nothing to agree on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import distributed

from ranit_rag.errors import InputError


@dataclass(frozen=True)
class Team:
    """This process, ``rank`` of ``size``. No device is touched before ``join``, so that helpers can be forked."""

    rank: int
    size: int

    @staticmethod
    def from_environment() -> Team:
        """What torchrun says in ``RANK`` and ``WORLD_SIZE``."""
        return Team(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.rank == 0

    @cached_property
    def device(self) -> torch.device:
        if torch.cuda.is_available():
            return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        return torch.device("cpu")

    def part_of(self, count: int) -> range:
        """Which of ``count`` things are this process's. Raises InputError if they cannot be divided evenly."""
        if count % self.size:
            raise InputError(
                f"{count} parts cannot be divided among {self.size} devices", hint="a number of devices that divides it"
            )
        return range(self.rank, count, self.size)

    def join(self) -> None:
        """Connect to the others."""
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        if self.size > 1:
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def leave(self) -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def agreed(self, value: float) -> float:
        """The first process's value."""
        if self.size == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told)

    def mean(self, value: torch.Tensor) -> float:
        """Over the processes; ``value`` is a scalar on the device."""
        if self.size > 1:
            distributed.all_reduce(value)
        return float(value) / self.size

    def average_gradients(self, weights: Iterable[torch.nn.Parameter]) -> None:
        if self.size == 1:
            return
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat / self.size, [gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [part.view_as(own) for part, own in zip(parts, gradients, strict=True)])


ALONE = Team(0, 1)
