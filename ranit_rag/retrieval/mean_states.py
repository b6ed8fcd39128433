"""Embedding by the mean of a model's hidden states, which is what both embedders that need no download do.

transformers is enough for that. sentence-transformers computes the same for all-MiniLM-L6-v2, and its import, with
scikit-learn and all that it brings, takes a fifth of the time to the first answer of a new process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ranit_rag.stores.snapshot import Vectors

MAX_TOKENS = 256  # of a text are read, special ones included
# Tokens of a batch, padding included. A CPU takes a quarter more time for 8192: its caches hold less than that.
CPU_TOKENS, GPU_TOKENS = 2048, 8192


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model whose last hidden states are averaged, with its tokenizer; ``special_tokens`` go around each text."""

    tokenizer: Any
    model: Any
    special_tokens: bool


class MeanStates:
    """An embedder that reads the first 256 tokens of a text; ``load`` is called when it first embeds."""

    def __init__(self, name: str, load: Callable[[], Encoder]) -> None:
        self.name = name
        self._load = load
        self._lock = threading.Lock()

    @cached_property
    def _encoder(self) -> Encoder:
        return self._load()

    @property
    def dimension(self) -> int:
        with self._lock:
            return int(self._encoder.model.config.hidden_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        with self._lock:
            encoder = self._encoder
            ids = _ids(encoder, texts)
            at_once = CPU_TOKENS if encoder.model.device.type == "cpu" else GPU_TOKENS
            for rows in _batches([len(tokens) for tokens in ids], at_once):
                vectors[rows] = _means(encoder.model, [ids[row] for row in rows])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _ids(encoder: Encoder, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text, at least one."""
    tokenizer = encoder.tokenizer
    ids: list[list[int]] = tokenizer(
        list(texts), add_special_tokens=encoder.special_tokens, truncation=True, max_length=MAX_TOKENS
    ).input_ids
    return [tokens or [tokenizer.eos_token_id] for tokens in ids]


def _batches(lengths: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """Rows of like length together, so that little of a batch is padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and lengths[row] * (len(batch) + 1) > at_once:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _means(model: Any, ids: list[list[int]]) -> Vectors:
    """float32 ``[len(ids), d]``: the mean over each text's own tokens."""
    import torch

    width = max(map(len, ids))
    tokens = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids], device=model.device)
    with torch.inference_mode():
        states = model(input_ids=tokens, attention_mask=mask).last_hidden_state
        means = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    return np.asarray(means.cpu().numpy(), dtype=np.float32)
