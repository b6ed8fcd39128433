"""Where bfloat16 is the faster one."""

from __future__ import annotations

import torch


def prefers_halves(device: torch.device) -> bool:
    """On GPUs, and on CPUs that multiply tiles of it (AMX); others take many times as long as in float32."""
    return device.type == "cuda" or bool(torch.cpu._is_amx_tile_supported())
