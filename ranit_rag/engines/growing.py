"""The keys and values of a layer while sequences grow by a few columns at a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values [batch, heads, length, dim] in buffers that double, so that a step copies only what is new."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the states and return all of them, as views of the buffers."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = self._buffer(key_states, 0), self._buffer(value_states, 0)
        end = self.length + key_states.shape[-2]
        if end > self.keys.shape[-2]:
            self.keys, self.values = self._buffer(self.keys, end), self._buffer(self.values, end)
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def _buffer(self, states: torch.Tensor, needed: int) -> torch.Tensor:
        batch, heads, length, dim = states.shape
        buffer = states.new_empty(batch, heads, max(length + length // 4 + 64, needed), dim)
        buffer[:, :, : self.length] = states[:, :, : self.length]
        return buffer

    @classmethod
    def joined(cls, parts: Sequence[GrowingLayer]) -> GrowingLayer:
        """The conversations of all parts under one another; the end of what a shorter part has is zeros."""
        layer = cls()
        layer.lazy_initialization(parts[0].keys, parts[0].values)
        layer.length = max(part.length for part in parts)
        rows, (_, heads, _, dim) = sum(part.keys.shape[0] for part in parts), parts[0].keys.shape
        room = layer.length + layer.length // 4 + 64
        layer.keys = parts[0].keys.new_zeros(rows, heads, room, dim)
        layer.values = parts[0].values.new_zeros(rows, heads, room, dim)
        row = 0
        for part in parts:
            place = slice(row, row := row + part.keys.shape[0])
            layer.keys[place, :, : part.length] = part.keys[:, :, : part.length]
            layer.values[place, :, : part.length] = part.values[:, :, : part.length]
        return layer

    def get_seq_length(self) -> int:
        return self.length

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only these conversations of the batch."""
        self.keys, self.values = self.keys[rows], self.values[rows]
