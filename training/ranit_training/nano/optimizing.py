"""The optimizers of the small model, and their rate."""

from __future__ import annotations

from typing import Any

import torch

from ranit_training.nano.config import RateConfig
from ranit_training.nano.muon import Muon


class Optimizers:
    """Muon for matrices, AdamW for embeddings and norms."""

    def __init__(self, model: Any, rate: RateConfig) -> None:
        matrices = [w for name, w in model.named_parameters() if w.ndim == 2 and "embed" not in name]
        others = [w for name, w in model.named_parameters() if w.ndim != 2 or "embed" in name]
        self._rate = rate
        self._muon = Muon(matrices, rate.weight_decay)
        self._adamw = torch.optim.AdamW(others, lr=rate.peak, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.0)

    def step(self, step: int, share: float) -> float:
        """Apply the gradients and forget them. ``share`` of the run is over; returns the rate."""
        rate = rate_at(step, share, self._rate)
        self._muon.step(rate)
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)
        return rate


def rate_at(step: int, share: float, config: RateConfig) -> float:
    """Warm-up, a plateau, and a straight fall to a hundredth (WSD, arXiv 2404.06395)."""
    rising = min(1.0, (step + 1) / config.warmup)
    falling = 1.0 if share < config.decay_from else max(0.01, (1 - share) / (1 - config.decay_from))
    return config.peak * rising * falling
