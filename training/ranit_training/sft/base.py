"""The model that a run starts from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranit_rag.engines.checkpoint import Checkpoint, find_model, fingerprint, read_checkpoint
from ranit_rag.errors import EngineError, ModelNotFoundError


@dataclass(frozen=True, slots=True)
class Base:
    """A checkpoint on this machine: ``name`` as it was given, and a ``fingerprint`` that tells its weights."""

    name: str
    directory: Path
    fingerprint: str
    card: Checkpoint
    config: Mapping[str, Any]

    @property
    def context(self) -> int | None:
        """The longest sequence in tokens that the model was made for."""
        declared: int | None = self.card.context or self.config.get("max_position_embeddings")
        return declared

    @property
    def weight_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.directory.glob("*.safetensors"))


def find_base(model: str | Path | None) -> Base:
    """The embedded model for None, a directory, or a hub name. Raises ModelNotFoundError, EngineError."""
    found = find_model(model)
    directory = Path(found)
    if not directory.is_dir():
        directory = _downloaded(found)
    try:
        config = json.loads((directory / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the config.json of {found!r} cannot be read: {error}", hint="copy the model again"
        ) from error
    name = "ranit-nano" if model is None else str(model)
    return Base(name, directory, fingerprint(directory), read_checkpoint(directory), config)


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]))
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"the model {name!r} is neither here nor can it be fetched: {str(error).splitlines()[0]}",
            hint="give a directory, or a name of the Hugging Face hub that this machine may fetch",
        ) from error
