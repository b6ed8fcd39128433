"""``ranit.json``: what a checkpoint says of itself, beside its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.errors import EngineError, InputError, ModelNotFoundError
from ranit_rag.overlaps import Decoding

FILE_NAME = "ranit.json"
_PLACES = 16  # of a weight file that are read for its fingerprint
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The card that the code reads; every field may be empty for a checkpoint that was not made here.

    ``profiles`` maps a language to ``name@hash`` of the profile that the model was trained with. ``context`` and
    ``window`` are tokens, as in EngineInfo. ``calibration`` makes scores of the model's probabilities, ``decoding`` is
    what is recommended for them; an adapter makes another model, for which neither holds.
    """

    profiles: Mapping[str, str] = field(default_factory=dict)
    context: int | None = None
    window: int | None = None
    calibration: ScoreCalibration | None = None
    decoding: Decoding = Decoding()  # noqa: RUF009 — it is frozen

    def adapted(self, adapter: object) -> Checkpoint:
        """What holds with an adapter over the checkpoint; all of it where that is None."""
        return self if adapter is None else replace(self, calibration=None, decoding=Decoding())


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


def fingerprint(directory: Path) -> str:
    """12 hex digits of a checkpoint's configuration and weights: their sizes, and 16 pieces of each file."""
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for file in sorted(directory.glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}".encode())
        with file.open("rb") as stream:
            for place in range(_PLACES):
                stream.seek(place * max(size - _PIECE, 0) // (_PLACES - 1))
                digest.update(stream.read(_PIECE))
    return digest.hexdigest()[:12]


def check_adapter(adapter: Path, base: Path) -> None:
    """Raises EngineError where a LoRA adapter says that it was trained on another base than the one in ``base``.

    Over a base of the same shape it would load, and answer nonsense.
    """
    path = adapter / FILE_NAME
    if not path.is_file():
        return  # not trained here: nobody knows
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        wanted = record.get("base_fingerprint")
    except (ValueError, AttributeError) as error:
        raise EngineError(f"{path} cannot be read: {error}", hint="copy the adapter again") from error
    if wanted and wanted != (found := fingerprint(base)):
        raise EngineError(
            f"the adapter {str(adapter)!r} was trained on {record.get('base_model')} ({wanted}), not on the model in "
            f"{str(base)!r} ({found})",
            hint="give the base that it was trained on with --model",
        )


def read_checkpoint(directory: str | Path) -> Checkpoint:
    """Read ``ranit.json`` in ``directory``; an empty Checkpoint where there is none."""
    path = Path(directory) / FILE_NAME
    if not path.is_file():
        return Checkpoint()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        profiles = {str(language): str(name) for language, name in record.get("profiles", {}).items()}
        return Checkpoint(
            profiles,
            record.get("context"),
            record.get("window"),
            _calibration(record.get("calibration")),
            _decoding(record.get("decoding")),
        )
    except (ValueError, AttributeError, InputError) as error:
        raise EngineError(
            f"{path} cannot be read: {error}",
            hint="it is written by `ranit merge` and `ranit calibrate`; copy it again with the checkpoint",
        ) from error


def _calibration(record: Any) -> ScoreCalibration | None:
    if record is None:
        return None
    fields = _fields(record, "calibration")
    temperature, bias = (_number(fields, name, "calibration") for name in ("temperature", "bias"))
    if temperature is None or bias is None:
        raise ValueError("its calibration needs a temperature and a bias")
    rivals = _number(fields, "rivals", "calibration") or 0.0
    return ScoreCalibration(temperature, bias, _fields(fields.get("fitted_on") or {}, "fitted_on"), rivals)


def _decoding(record: Any) -> Decoding:
    if record is None:
        return Decoding()
    fields = _fields(record, "decoding")
    precedents = fields.get("precedents")
    if not isinstance(precedents, bool | None):
        raise ValueError(f"the precedents of its decoding are {precedents!r}, not true or false")
    return Decoding(fields.get("overlaps"), _number(fields, "min_score", "decoding"), precedents)


def _fields(record: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise ValueError(f"its {name} is {record!r}, not an object")
    return record


def _number(fields: Mapping[str, Any], name: str, where: str) -> float | None:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f"the {name} of its {where} is {value!r}, not a number")
    return value
