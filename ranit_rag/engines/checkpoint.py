"""``ranit.json``: what a checkpoint says of itself, beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from ranit_rag.errors import EngineError, ModelNotFoundError

FILE_NAME = "ranit.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The card that the code reads; every field may be empty for a checkpoint that was not made here.

    ``profiles`` maps a language to ``name@hash`` of the profile that the model was trained with. ``context`` and
    ``window`` are tokens, as in EngineInfo.
    """

    profiles: Mapping[str, str] = field(default_factory=dict)
    context: int | None = None
    window: int | None = None


def embedded_model() -> Path:
    """The directory of the checkpoint that ships inside the package."""
    return Path(str(files("ranit_rag") / "models" / "nano"))


def find_model(model: str | Path | None) -> str:
    """A model directory that exists, or a hub name, as the frameworks load it; None is the embedded model.

    Raises ModelNotFoundError for what looks like a path and does not exist, or holds no checkpoint.
    """
    if model is None:
        return str(embedded_model())
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelNotFoundError(
                f"{str(model)!r} holds no checkpoint: there is no config.json in it",
                hint="give the directory that the model was saved to, for example by `ranit merge`",
            )
        return str(path)
    name = str(model)
    if isinstance(model, Path) or name.startswith((".", "/", "~")) or name.count("/") > 1 or path.exists():
        raise ModelNotFoundError(
            f"the model directory {name!r} does not exist",
            hint="check the path; without --model the embedded model is used",
        )
    return name


def read_checkpoint(directory: str | Path) -> Checkpoint:
    """Read ``ranit.json`` in ``directory``; an empty Checkpoint where there is none."""
    path = Path(directory) / FILE_NAME
    if not path.is_file():
        return Checkpoint()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        profiles = {str(language): str(name) for language, name in record.get("profiles", {}).items()}
        return Checkpoint(profiles, record.get("context"), record.get("window"))
    except (ValueError, AttributeError) as error:
        raise EngineError(
            f"{path} cannot be read: {error}", hint="it is written by `ranit merge`; copy it again with the checkpoint"
        ) from error
