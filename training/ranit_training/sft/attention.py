"""Attention that sees document boundaries: tokens of a pack attend to their own document alone.

The implementation ``documents`` is registered with transformers. Batches without padding come with the cumulative
lengths of their documents: on a GPU in half precision these go to PyTorch's variable-length flash kernel, elsewhere
each document is attended to on its own. Other batches, padded ones and those of generation, take PyTorch's SDPA.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

DOCUMENTS = "documents"
_HALF = (torch.bfloat16, torch.float16)


def register() -> None:
    """Make ``attn_implementation="documents"`` known to transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(DOCUMENTS, attend)
    AttentionMaskInterface.register(DOCUMENTS, mask)


def mask(*args: Any, attention_mask: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor | None:
    """SDPA's mask for padded batches. Without padding there is none: the boundaries are in the cumulative lengths."""
    if attention_mask is None:
        return None
    from transformers.masking_utils import sdpa_mask

    made: torch.Tensor | None = sdpa_mask(*args, attention_mask=attention_mask, **kwargs)
    return made


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of ``[batch, heads, tokens, d]`` to ``[batch, tokens, heads, d]``; one row where it has documents."""
    if cu_seq_lens_q is None or attention_mask is not None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        out: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return out
    if query.is_cuda and query.dtype in _HALF and not dropout and (kernel := _kernel()) is not None:
        return kernel(query, key, value, cu_seq_lens_q, int(max_length_q or query.shape[2]), scaling), None
    return _one_by_one(query, key, value, cu_seq_lens_q, scaling, dropout), None


@cache
def _kernel() -> Callable[..., torch.Tensor] | None:
    """PyTorch's variable-length flash attention (2.11), for one row; None where it is missing."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    kernel: Any = varlen_attn  # its parameters differ between releases
    parameters = inspect.signature(kernel).parameters
    if "window_size" not in parameters:
        return None
    shares_heads = {"enable_gqa": True} if "enable_gqa" in parameters else {}

    def attend_row(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        starts: torch.Tensor,
        longest: int,
        scaling: float | None,
    ) -> torch.Tensor:
        q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
        if not shares_heads and k.shape[1] != q.shape[1]:
            k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], dim=1) for part in (k, v))
        causal = {"window_size": (-1, 0), **shares_heads}
        out: torch.Tensor = kernel(q, k, v, starts, starts, longest, longest, scale=scaling, **causal)
        return out.unsqueeze(0)

    return attend_row


def _one_by_one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    scaling: float | None,
    dropout: float,
) -> torch.Tensor:
    ends = starts.tolist()
    parts = [
        scaled_dot_product_attention(
            query[:, :, start:end],
            key[:, :, start:end],
            value[:, :, start:end],
            is_causal=True,
            scale=scaling,
            dropout_p=dropout,
            enable_gqa=True,
        )
        for start, end in pairwise(ends)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)
