"""The small model's optimizer: many matrices at once, with the updates of PyTorch's."""

from __future__ import annotations

import pytest
import torch

from ranit_training.nano.config import RateConfig
from ranit_training.nano.muon import Muon, orthogonalised
from ranit_training.nano.optimizing import rate_at

SHAPES = [(16, 8), (8, 16), (8, 8), (16, 8)]


def matrices() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def test_the_updates_are_those_of_pytorchs_muon() -> None:
    ours, theirs = matrices(), matrices()
    muon = Muon(ours, weight_decay=0.1)
    reference = torch.optim.Muon(theirs, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    generator = torch.Generator().manual_seed(1)
    for step in range(5):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        rate = 0.01 / (1 + step)
        reference.param_groups[0]["lr"] = rate
        muon.step(rate)
        reference.step()
    for start, one, other in zip(matrices(), ours, theirs, strict=True):
        moved = (other - start).norm()
        assert (one - other).norm() < 0.02 * moved  # both round to bfloat16, in another order
        assert one.grad is None


def test_singular_values_come_near_one() -> None:
    values = torch.linalg.svdvals(orthogonalised(torch.randn(3, 20, 10)).float())
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_the_rate_rises_stays_and_falls() -> None:
    config = RateConfig(peak=0.1, weight_decay=0.0, warmup=10, decay_from=0.5)
    rates = [rate_at(step, step / 100, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9:51] == [0.1] * 42
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rate_at(100, 1.0, config) == pytest.approx(0.001)
