"""Attention whose query heads share keys: the sums of transformers' own, under any mask."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from ranit_rag.engines.attention import attention
from ranit_rag.engines.transformers import TransformersEngine


@pytest.mark.parametrize(("heads", "shared"), [(8, 4), (6, 1), (4, 4)])
@pytest.mark.parametrize(("new", "total"), [(1, 9), (5, 9), (70, 90)])  # 70 is more than is folded for one head of 16
def test_the_sums_are_those_of_transformers(heads: int, shared: int, new: int, total: int) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, new, heads, 16).transpose(1, 2)  # as models have it
    key, value = torch.randn(2, shared, total, 16), torch.randn(2, shared, total, 16)
    hidden = torch.rand(2, 1, new, total) < 0.4
    hidden[..., 0] = False
    mask = torch.zeros(hidden.shape).masked_fill(hidden, -torch.inf)
    module = SimpleNamespace(num_key_value_groups=heads // shared)
    expected, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    found, weights = attention(module, query, key, value, mask, scaling=0.3)
    assert weights is None
    assert found.shape == expected.shape == (2, new, heads, 16)
    torch.testing.assert_close(found, expected)


def test_what_is_added_to_the_scores_is_not_lost() -> None:
    query, key, value = torch.randn(1, 4, 3, 8), torch.randn(1, 2, 3, 8), torch.randn(1, 2, 3, 8)
    mask, bias = torch.zeros(1, 1, 3, 3), torch.randn(1, 4, 3, 3)
    module = SimpleNamespace(num_key_value_groups=2)
    expected, _ = sdpa_attention_forward(module, query, key, value, mask, position_bias=bias)
    found, _ = attention(module, query, key, value, mask, position_bias=bias)
    torch.testing.assert_close(found, expected)


def test_the_embedded_model_computes_so_on_a_cpu() -> None:
    engine = TransformersEngine(device="cpu")
    assert engine._model.config._attn_implementation == "ranit_shared_heads"
