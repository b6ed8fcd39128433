"""What tells one model from another, however it is called: results of different ones must not mix."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ranit_rag.config import Settings
from ranit_rag.engines.base import EngineInfo
from ranit_rag.engines.checkpoint import FILE_NAME, find_model

_WHOLE = 1 << 20  # bytes of a file that are hashed as they are; of larger ones the beginning and the end


def identify(info: EngineInfo, settings: Settings) -> dict[str, Any]:
    """What tells one model's results from another's: for local ones the checkpoint, for servers the address."""
    return _identify(info, settings, without=())


def identify_answers(info: EngineInfo, settings: Settings) -> dict[str, Any]:
    """The same for answers to a given conversation, on which nothing in ``ranit.json`` bears: a checkpoint that was
    calibrated answers as before."""
    return _identify(info, settings, without=(FILE_NAME,))


def _identify(info: EngineInfo, settings: Settings, without: Collection[str]) -> dict[str, Any]:
    local = settings.engine != "openai"
    return {
        "engine": info.name,
        "model": info.model,
        "weights": _fingerprint(find_model(settings.model), without) if local else None,
        "adapter": _fingerprint(settings.adapter, without) if settings.adapter else None,
        "dtype": settings.dtype,
        "server": settings.base_url,
    }


def _fingerprint(directory: str, without: Collection[str]) -> str | None:
    """A hash of a checkpoint's files; None for a hub name. Large files count by their size and their ends."""
    path = Path(directory)
    if not path.is_dir():
        return None
    digest = hashlib.sha256()
    files = (each for each in path.iterdir() if each.suffix in (".json", ".safetensors", ".bin", ".jinja"))
    for file in sorted(each for each in files if each.name not in without):
        size = file.stat().st_size
        digest.update(f"{file.name}\n{size}\n".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_WHOLE))
            stream.seek(max(size - _WHOLE, 0))
            digest.update(stream.read(_WHOLE))
    return digest.hexdigest()[:16]
