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
from ranit_rag.engines.decoding import Branch, choose_tokens
from ranit_rag.engines.guide import Guide


class SequentialDecoder:
    """Answers one conversation after another, the queries of a conversation in batches of equal length."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @torch.inference_mode()
    def decode(
        self, batch: Sequence[EncodedConversation], guides: Sequence[Sequence[Guide]], *, max_tokens: int
    ) -> list[list[Branch]]:
        """Answer all queries of the batch; the branches come back in their order."""
        return [
            self._conversation(row, conversation, row_guides, max_tokens)
            for row, (conversation, row_guides) in enumerate(zip(batch, guides, strict=True))
        ]

    def _conversation(
        self, row: int, conversation: EncodedConversation, guides: Sequence[Guide], max_tokens: int
    ) -> list[Branch]:
        prefix = DynamicCache(config=self._model.config)
        self._forward([conversation.prefix], prefix)
        branches = [Branch(row, i, 0, guide) for i, guide in enumerate(guides)]
        by_length = sorted(branches, key=lambda branch: len(conversation.queries[branch.owner]))
        for _, group in groupby(by_length, key=lambda branch: len(conversation.queries[branch.owner])):
            members = list(group)
            cache = copy.deepcopy(prefix)
            cache.batch_repeat_interleave(len(members))
            self._group(members, [conversation.queries[branch.owner] for branch in members], cache, max_tokens)
        return branches

    def _group(self, active: list[Branch], new: Sequence[Sequence[int]], cache: DynamicCache, max_tokens: int) -> None:
        for _ in range(max_tokens):
            tokens, logprobs = choose_tokens(self._forward(new, cache), [branch.guide for branch in active])
            for branch, token, logprob in zip(active, tokens, logprobs, strict=True):
                branch.tokens.append(token)
                branch.logprobs.append(logprob)
                if branch.guide.accept(token):
                    branch.finish, branch.open = "stop", False
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
