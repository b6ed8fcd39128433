"""Greedy decoding of many queries behind one prefix, with the prefix computed once.

The queries of a conversation are branches of a tree: they share the keys and values of the prefix and are hidden from
each other by the attention mask, with position ids that count along each branch. So a batch of conversations is one
sequence each, of the length prefix + all its queries, instead of one for each query, and a branch whose answer is
complete (most are ``[]`` after one step) simply stops growing. The result is that of decoding every query alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import Cache

from ranit_rag.engines.attention import share_heads
from ranit_rag.engines.base import Finish
from ranit_rag.engines.chat import EncodedConversation
from ranit_rag.engines.growing import GrowingLayer
from ranit_rag.engines.guide import Guide

_PREFIX, _NOBODY = 0, -1
# Tokens of prompts that a CPU computes at once: with more, what is computed between the layers leaves its caches. In 16
# bits they hold more, and reading the weights, once for each group, is a larger part of the time.
_CPU_PROMPT_TOKENS, _CPU_PROMPT_TOKENS_16_BITS = 384, 1024


@dataclass(slots=True)
class Branch:
    """One query being answered: the row of its conversation in the batch, its position there, and what was written.

    ``room`` is the most tokens that its answer may have.
    """

    row: int
    owner: int
    position: int
    room: int
    guide: Guide
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish = "length"
    open: bool = True


class TreeDecoder:
    """Answers batches of encoded conversations with one causal language model whose attention takes any mask."""

    def __init__(self, model: Any, *, context: int, pad_token: int) -> None:
        if model.device.type == "cpu":
            share_heads(model)
        self._model = model
        self._context = context
        self._pad = pad_token
        self._layers = model.config.get_text_config().num_hidden_layers

    @torch.inference_mode()
    def decode(
        self, batch: Sequence[EncodedConversation], guides: Sequence[Sequence[Guide]], *, max_tokens: int
    ) -> list[list[Branch]]:
        """Answer all queries of the batch; the branches come back in their order."""
        tree = _Tree(self._model, self._layers, self._pad, batch)
        branches = [
            open_branches(row, conversation, g, context=self._context, max_tokens=max_tokens)
            for row, (conversation, g) in enumerate(zip(batch, guides, strict=True))
        ]
        active = [branch for row in branches for branch in row]
        if not active:
            return branches
        logits = tree.open(batch)
        while True:
            write_tokens(active, logits)
            active = [branch for branch in active if branch.open]
            if not active:
                return branches
            logits = tree.grow(active)


def open_branches(
    row: int, conversation: EncodedConversation, guides: Sequence[Guide], *, context: int, max_tokens: int
) -> list[Branch]:
    """A branch for each query of a conversation, which leaves room for a token at least in the context."""
    branches = []
    for i, (query, guide) in enumerate(zip(conversation.queries, guides, strict=True)):
        position = len(conversation.prefix) + len(query)
        branches.append(Branch(row, i + 1, position, min(max_tokens, context - position), guide))
    return branches


def write_tokens(active: Sequence[Branch], logits: torch.Tensor) -> None:
    """Write the best allowed token of each branch; ``logits`` [branches, vocabulary] in their order."""
    tokens, logprobs = _choose_tokens(logits, [branch.guide for branch in active])
    for branch, token, logprob in zip(active, tokens, logprobs, strict=True):
        branch.tokens.append(token)
        branch.logprobs.append(logprob)
        if branch.guide.accept(token):
            branch.finish, branch.open = "stop", False
        elif len(branch.tokens) >= branch.room:
            branch.open = False


def _choose_tokens(logits: torch.Tensor, guides: Sequence[Guide]) -> tuple[list[int], list[float]]:
    """The likeliest allowed token of each row, and its log-probability among *all* tokens."""
    logits = logits.float()
    rows, vocabulary = logits.shape
    bitmask = torch.zeros(rows, (vocabulary + 31) // 32, dtype=torch.int32)
    for row, guide in enumerate(guides):
        guide.fill(bitmask, row)
    bits = torch.arange(32, dtype=torch.int32, device=logits.device)
    allowed = (bitmask.to(logits.device)[:, :, None] >> bits & 1).bool().reshape(rows, -1)[:, :vocabulary]
    best = logits.masked_fill(~allowed, -torch.inf).argmax(-1, keepdim=True)
    logprobs = logits.gather(-1, best) - logits.logsumexp(-1, keepdim=True)
    return best[:, 0].tolist(), logprobs[:, 0].tolist()


class _Tree:
    """The growing sequences of a batch: who owns each column of the cache, and the forward passes that extend it."""

    def __init__(self, model: Any, layers: int, pad: int, batch: Sequence[EncodedConversation]) -> None:
        self._model = model
        self._pad = pad
        self._cache = Cache(layers=[GrowingLayer() for _ in range(layers)])
        self._rows = list(range(len(batch)))
        self._owners = torch.empty(len(batch), 0, dtype=torch.int32)

    def open(self, batch: Sequence[EncodedConversation]) -> torch.Tensor:
        """Run prefixes and queries; the logits [queries, vocabulary] behind each query, in their order."""
        most = _CPU_PROMPT_TOKENS if self._model.dtype == torch.float32 else _CPU_PROMPT_TOKENS_16_BITS
        groups = list(_groups(batch, most)) if self._model.device.type == "cpu" else [batch]
        if len(groups) == 1:
            return self._open(batch)
        trees = [_Tree(self._model, len(self._cache.layers), self._pad, group) for group in groups]
        logits = torch.cat([tree._open(group) for tree, group in zip(trees, groups, strict=True)])
        columns = max(tree._owners.shape[1] for tree in trees)
        self._owners = torch.cat([_widened(tree._owners, columns) for tree in trees])
        self._cache = Cache(
            layers=[GrowingLayer.joined(parts) for parts in zip(*(tree._cache.layers for tree in trees), strict=True)]
        )
        return logits

    def _open(self, batch: Sequence[EncodedConversation]) -> torch.Tensor:
        longest = max(len(c.prefix) for c in batch)
        width = max((len(query) for c in batch for query in c.queries), default=0)
        count = max(len(c.queries) for c in batch)
        columns = longest + count * width
        tokens = torch.full((len(batch), columns), self._pad)
        owners = torch.full((len(batch), columns), _NOBODY, dtype=torch.int32)
        positions = torch.zeros(len(batch), columns, dtype=torch.long)
        last: list[tuple[int, int]] = []
        for row, c in enumerate(batch):
            _write(tokens, owners, positions, row, longest, c.prefix, owner=_PREFIX, position=0)
            for i, query in enumerate(c.queries):
                end = longest + (i + 1) * width
                _write(tokens, owners, positions, row, end, query, owner=i + 1, position=len(c.prefix))
                last.append((row, end - 1))
        kept = sorted({column for _, column in last})
        logits = self._forward(tokens, owners, positions, torch.tensor(kept))
        place = {column: i for i, column in enumerate(kept)}
        return logits[[row for row, _ in last], [place[column] for _, column in last]]

    def grow(self, active: Sequence[Branch]) -> torch.Tensor:
        """Append the newest token of each branch; the logits [branches, vocabulary] behind it, in their order."""
        rows = sorted({branch.row for branch in active})
        if len(rows) <= len(self._rows) // 2:
            self._keep(rows)
        line = {row: i for i, row in enumerate(self._rows)}
        filled = [0] * len(self._rows)
        slots: list[tuple[int, int]] = []
        for branch in active:
            row = line[branch.row]
            slots.append((row, filled[row]))
            filled[row] += 1
        shape = (len(self._rows), max(filled))
        tokens = torch.full(shape, self._pad)
        owners = torch.full(shape, _NOBODY, dtype=torch.int32)
        positions = torch.zeros(shape, dtype=torch.long)
        for branch, (row, slot) in zip(active, slots, strict=True):
            tokens[row, slot] = branch.tokens[-1]
            owners[row, slot] = branch.owner
            positions[row, slot] = branch.position
            branch.position += 1
        logits = self._forward(tokens, owners, positions, 0)
        return logits[[row for row, _ in slots], [slot for _, slot in slots]]

    def _forward(
        self, tokens: torch.Tensor, owners: torch.Tensor, positions: torch.Tensor, kept: torch.Tensor | int
    ) -> torch.Tensor:
        device = self._model.device
        self._owners = torch.cat([self._owners, owners], dim=1)
        mask = self._mask(owners).to(device)
        output = self._model(
            input_ids=tokens.to(device),
            attention_mask=mask,
            position_ids=positions.to(device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=kept if isinstance(kept, int) else kept.to(device),
        )
        logits: torch.Tensor = output.logits
        return logits

    def _mask(self, owners: torch.Tensor) -> torch.Tensor:
        """0 where a new column may look [batch, 1, new, all]: at the prefix and its own branch, not ahead; else -∞.

        In the model's precision, which attention would make of True and False in each layer anew.
        """
        new, total = owners.shape[1], self._owners.shape[1]
        seen = self._owners[:, None, :]
        visible = (seen == _PREFIX) | (seen == owners[:, :, None])
        causal = torch.ones(new, total, dtype=torch.bool).tril(total - new)
        # Padding looks at itself alone: a row of a mask without any True gives NaN, which would spread.
        padding = torch.eye(new, dtype=torch.bool).new_zeros(new, total)
        padding[:, total - new :] = torch.eye(new, dtype=torch.bool)
        nobody = (owners == _NOBODY)[:, :, None]
        hidden = ~torch.where(nobody, padding, visible & causal)[:, None]
        return torch.zeros(hidden.shape, dtype=self._model.dtype).masked_fill_(hidden, -torch.inf)

    def _keep(self, rows: list[int]) -> None:
        """Drop the conversations that are done from the batch."""
        kept = torch.tensor([self._rows.index(row) for row in rows])
        self._owners = self._owners[kept]
        for layer in self._cache.layers:
            layer.keep(kept.to(layer.keys.device))
        self._rows = rows


def _groups(batch: Sequence[EncodedConversation], most: int) -> Iterator[Sequence[EncodedConversation]]:
    """Conversations of up to ``most`` tokens together, or one; neighbours in the batch, which are of like length."""
    start = longest = 0
    for end, conversation in enumerate(batch):
        length = len(conversation.prefix) + sum(map(len, conversation.queries))
        if end > start and (end + 1 - start) * max(longest, length) > most:
            yield batch[start:end]
            start, longest = end, 0
        longest = max(longest, length)
    yield batch[start:]


def _widened(owners: torch.Tensor, columns: int) -> torch.Tensor:
    """The owners with columns behind them that are nobody's."""
    return torch.nn.functional.pad(owners, (0, columns - owners.shape[1]), value=_NOBODY)


def _write(
    tokens: torch.Tensor,
    owners: torch.Tensor,
    positions: torch.Tensor,
    row: int,
    end: int,
    ids: Sequence[int],
    *,
    owner: int,
    position: int,
) -> None:
    """Put ``ids`` in front of column ``end`` of a row."""
    start = end - len(ids)
    tokens[row, start:end] = torch.tensor(ids)
    owners[row, start:end] = owner
    positions[row, start:end] = torch.arange(position, position + len(ids))
