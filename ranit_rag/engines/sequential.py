"""Greedy decoding for models whose attention takes no tree mask (sliding windows, state spaces, flash attention 2).

The prefix is computed once for each conversation; its cache is repeated for queries of equal length, so that no
sequence is ever padded, which any architecture of transformers understands.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from transformers import DynamicCache

from ranit_rag.engines.chat import EncodedConversation
from ranit_rag.engines.decoding import Branch, open_branches, write_tokens
from ranit_rag.engines.guide import Guide


class SequentialDecoder:
    """Answers one conversation after another, the queries of a conversation in batches of equal length."""

    def __init__(self, model: Any, *, context: int) -> None:
        self._model = model
        self._context = context

    @torch.inference_mode()
    def decode(
        self, batch: Sequence[EncodedConversation], guides: Sequence[Sequence[Guide]], *, max_tokens: int
    ) -> list[list[Branch]]:
        """Answer all queries of the batch; the branches come back in their order."""
        rows = [
            open_branches(row, conversation, row_guides, context=self._context, max_tokens=max_tokens)
            for row, (conversation, row_guides) in enumerate(zip(batch, guides, strict=True))
        ]
        for conversation, branches in zip(batch, rows, strict=True):
            self._answer(conversation, branches)
        return rows

    def _answer(self, conversation: EncodedConversation, branches: Sequence[Branch]) -> None:
        prefix = DynamicCache(config=self._model.config)
        self._forward([conversation.prefix], prefix)
        by_length = sorted(zip(branches, conversation.queries, strict=True), key=lambda pair: len(pair[1]))
        for _, group in groupby(by_length, key=lambda pair: len(pair[1])):
            members, queries = zip(*group, strict=True)
            cache = copy.deepcopy(prefix)
            cache.batch_repeat_interleave(len(members))
            self._grow(members, queries, cache)

    def _grow(self, active: Sequence[Branch], new: Sequence[Sequence[int]], cache: DynamicCache) -> None:
        while True:
            write_tokens(active, self._forward(new, cache))
            kept = [i for i, branch in enumerate(active) if branch.open]
            if not kept:
                return
            if len(kept) < len(active):
                cache.batch_select_indices(torch.tensor(kept, device=self._model.device))
                active = [active[i] for i in kept]
            new = [[branch.tokens[-1]] for branch in active]

    def _forward(self, tokens: Sequence[Sequence[int]], cache: DynamicCache) -> torch.Tensor:
        ids = torch.tensor([list(row) for row in tokens], device=self._model.device)
        logits: torch.Tensor = self._model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        return logits[:, -1]
