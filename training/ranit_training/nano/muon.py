"""Muon for many small matrices: those of one shape are updated at once.

``torch.optim.Muon`` goes from matrix to matrix; with the 70 matrices of the small model its launches took longer than
the model's whole forward and backward pass on an H100. The mathematics is the same, and held to it by a test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from ranit_training.nano.precision import prefers_halves

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the Newton-Schulz polynomial, from Jordan's page
ITERATIONS = 5


class Muon:
    """Muon (Jordan et al., 2024; https://kellerjordan.github.io/posts/muon/) with Nesterov momentum, updates scaled to
    AdamW's size (Liu et al., arXiv 2502.16982) and decoupled weight decay."""

    def __init__(self, matrices: Iterable[torch.nn.Parameter], weight_decay: float) -> None:
        shapes: dict[torch.Size, list[torch.Tensor]] = {}
        for matrix in matrices:
            shapes.setdefault(matrix.shape, []).append(matrix)
        self._groups = [(group, torch.zeros_like(torch.stack(group))) for group in shapes.values()]
        self._weight_decay = weight_decay

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Apply the gradients and forget them."""
        for matrices, momenta in self._groups:
            gradients = torch.stack([torch.zeros_like(m) if m.grad is None else m.grad for m in matrices])
            momenta.lerp_(gradients, 1 - MOMENTUM)
            updates = orthogonalised(gradients.lerp_(momenta, MOMENTUM))
            rows, columns = matrices[0].shape
            torch._foreach_mul_(matrices, 1 - rate * self._weight_decay)
            torch._foreach_add_(matrices, updates.unbind(), alpha=-rate * 0.2 * math.sqrt(max(rows, columns)))
            for matrix in matrices:
                matrix.grad = None


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """About UVᵀ of each matrix USVᵀ in ``[n, rows, columns]``, computed in bfloat16 where that is the faster one."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16() if prefers_halves(matrices.device) else matrices.float()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)
