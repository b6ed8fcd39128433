"""Conversations with branches: each query sees the prefix that all of them share, and no other query.

So one pass over the prefix teaches the answers to many types, each as it will be asked: alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import scaled_dot_product_attention

from ranit_rag.engines.chat import PromptBuilder
from ranit_training.sft.dialogues import Dialogue

BRANCHES = "branches"
MOST = 1024  # branches of a conversation, the prefix counted

# Tiles of the forward kernel: PyTorch's choice for Hopper GPUs, 128 × 128, takes 2.5 times as long under this mask.
_KERNEL: Any = {"fwd_BLOCK_M": 64, "fwd_BLOCK_N": 64}

Mask = Any  # a block mask on a GPU, a dense one of [rows, 1, length, length] elsewhere


@dataclass(frozen=True, slots=True)
class Branched:
    """A conversation as token ids ``[n]``: ``branches`` is 0 in the prefix, and ``learned`` marks tokens of answers."""

    ids: NDArray[np.uint16]
    branches: NDArray[np.int16]
    learned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def positions(self) -> NDArray[np.int64]:
        """Each branch goes on where the prefix ends."""
        places = np.arange(len(self.ids))
        firsts = np.flatnonzero(np.diff(self.branches, prepend=np.int16(0)))
        if not len(firsts):
            return places
        lengths = np.diff(np.append(firsts, len(self.ids)))
        places[firsts[0] :] -= np.repeat(firsts - firsts[0], lengths)
        return places


def encode_branched(dialogue: Dialogue, prompts: PromptBuilder, longest: int) -> Branched | None:
    """The prefix, and as many queries with their answers as ``longest`` tokens hold; None where not one fits.

    The replies to examples and text are not learned: they say nothing of either.
    """
    turns = prompts.encode_dialogue(dialogue.turns)
    head = len(turns) - len(dialogue.turns) + _prefix_turns(dialogue)
    prefix = [token for turn in turns[:head] for token in (*turn.opening, *turn.content)]
    ids, branches, learned = list(prefix), [0] * len(prefix), [False] * len(prefix)
    for number, (query, answer) in enumerate(zip(turns[head::2], turns[head + 1 :: 2], strict=True), start=1):
        asked = [*query.opening, *query.content, *answer.opening]
        if len(ids) + len(asked) + len(answer.content) > longest or number == MOST:
            break
        ids += [*asked, *answer.content]
        branches += [number] * (len(asked) + len(answer.content))
        learned += [False] * len(asked) + [True] * len(answer.content)
    if len(ids) == len(prefix):
        return None
    return Branched(np.array(ids, np.uint16), np.array(branches, np.int16), np.array(learned))


def _prefix_turns(dialogue: Dialogue) -> int:
    told = dialogue.turns[0].role == "system"
    return told + 2 * (1 + dialogue.has_examples)


def codes(conversations: Sequence[Branched]) -> NDArray[np.int32]:
    """What tokens of a row may see of each other, from their conversation and branch."""
    return np.concatenate([n * MOST + row.branches.astype(np.int32) for n, row in enumerate(conversations, start=1)])


def sees(query: torch.Tensor, key: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
    """Whether tokens with the code ``query`` see those with ``key``, which stand ``earlier`` or at the same place."""
    return earlier & ((key == query) | (key == query // MOST * MOST))


def dense_mask(row_codes: torch.Tensor) -> torch.Tensor:
    places = torch.arange(row_codes.shape[1], device=row_codes.device)
    earlier = places[None, :, None] >= places[None, None, :]
    return sees(row_codes[:, :, None], row_codes[:, None, :], earlier)[:, None]


def block_mask(row_codes: torch.Tensor) -> Mask:
    """The same for FlexAttention, on a GPU."""
    rows, length = row_codes.shape

    def visible(row: torch.Tensor, _head: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return sees(row_codes[row, query], row_codes[row, key], query >= key)

    return _create_block_mask()(visible, rows, None, length, length, device=row_codes.device)


@cache
def _create_block_mask() -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    return torch.compile(create_block_mask, dynamic=False)


def register() -> None:
    """Make ``attn_implementation="branches"`` known to transformers; its attention mask is one of the two above."""
    from transformers import AttentionInterface

    AttentionInterface.register(BRANCHES, attend)


def attend(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Mask,
    *,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of ``[rows, heads, length, d]`` to ``[rows, length, heads, d]``."""
    if isinstance(attention_mask, torch.Tensor):
        out = scaled_dot_product_attention(query, key, value, attention_mask, scale=scaling, enable_gqa=True)
    else:
        from torch.nn.attention.flex_attention import flex_attention

        out = flex_attention(
            query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=True, kernel_options=_KERNEL
        )
    return out.transpose(1, 2), None
