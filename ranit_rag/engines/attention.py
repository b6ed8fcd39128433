"""Attention for models whose query heads share keys and values, under any mask.

PyTorch's kernels let heads share them only where there is no mask, so for more than one new position transformers
repeats keys and values for each query head: a copy of the whole cache, in each layer and at each step. Here the query
heads that share keys follow one another as positions of one head; the sums are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

_NAME = "ranit_shared_heads"
_CHANGING = ("position_bias", "softcap")  # what some models add to the scores or do with them


def share_heads(model: Any) -> None:
    """Let a model that computes attention by ``sdpa`` compute it so, where transformers lets it be chosen."""
    if model._can_set_attn_implementation():
        AttentionInterface.register(_NAME, attention)
        model.set_attn_implementation(_NAME)


def attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What ``sdpa`` of transformers gives, [batch, new, heads, dim]; of the two, the way that copies less.

    ``query`` [batch, heads, new, dim], ``key`` and ``value`` [batch, shared heads, all, dim], ``attention_mask``
    [batch, 1, new, all], which is repeated here as keys and values are there.
    """
    batch, heads, new, dim = query.shape
    shared = key.shape[1]
    if heads == shared or new > 2 * shared * dim or any(options.get(name) is not None for name in _CHANGING):
        usual: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
        return usual
    folded = query.reshape(batch, shared, -1, dim)
    mask = attention_mask.repeat(1, 1, heads // shared, 1)
    seen = scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
    return seen.reshape(batch, heads, new, dim).transpose(1, 2).contiguous(), None
