"""What tells one model from another, however it is called: results of different ones must not mix."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ranit_rag.config import Settings
from ranit_rag.engines.base import EngineInfo
from ranit_rag.engines.checkpoint import find_model

_WHOLE = 1 << 20  # bytes of a file that are hashed as they are; of larger ones the beginning and the end


def identify(info: EngineInfo, settings: Settings) -> dict[str, Any]:
    """What tells one model's answers from another's: for local ones the weights, for servers the address."""
    local = settings.engine != "openai"
    return {
        "engine": info.name,
        "model": info.model,
        "weights": _fingerprint(find_model(settings.model)) if local else None,
        "adapter": _fingerprint(settings.adapter) if settings.adapter else None,
        "dtype": settings.dtype,
        "server": settings.base_url,
    }


def _fingerprint(directory: str) -> str | None:
    """A hash of a checkpoint's files; None for a hub name. Large files count by their size and their ends."""
    path = Path(directory)
    if not path.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(each for each in path.iterdir() if each.suffix in (".json", ".safetensors", ".bin", ".jinja")):
        size = file.stat().st_size
        digest.update(f"{file.name}\n{size}\n".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_WHOLE))
            stream.seek(max(size - _WHOLE, 0))
            digest.update(stream.read(_WHOLE))
    return digest.hexdigest()[:16]
