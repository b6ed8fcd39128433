"""What a run writes of itself, ``run.json``, and what a later one reads: to resume, to merge, to refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError, ProfileError
from ranit_rag.prompts import load_profile
from ranit_training.layouts import completed
from ranit_training.manifest import manifest_path, sha256_of

FILE_NAME = "run.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
VERSION = 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of conversations: its hash, and from its manifest the profiles (pins) and how it was made."""

    path: str
    sha256: str
    profiles: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """``profiles`` maps a language to the pin that the model is asked with; ``result`` is empty until the run ends."""

    base: str
    base_path: str
    base_fingerprint: str
    method: str
    profiles: Mapping[str, str]
    data: tuple[DataFile, ...]
    config: Mapping[str, Any]
    counts: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        content = json.dumps({"run": VERSION, **asdict(self)}, ensure_ascii=False, indent=2) + "\n"
        with completed(directory / FILE_NAME) as partial:
            partial.write_text(content, "utf-8")


def read_record(directory: Path) -> RunRecord | None:
    """The record of the run in ``directory``; None where there is none. Raises DataError for a damaged one."""
    path = directory / FILE_NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        content.pop("run")
        data = tuple(DataFile(**{**item, "profiles": tuple(item["profiles"])}) for item in content.pop("data"))
        return RunRecord(data=data, **content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {error}", hint="start again in another directory") from error


def describe_data(paths: Sequence[Path]) -> tuple[DataFile, ...]:
    """The files with what their manifests say. Raises DataError for a file that is not there."""
    described = []
    for path in paths:
        if not path.is_file():
            raise DataError(f"there is no file {path}", hint="give what `ranit data conversations` or `augment` wrote")
        manifest = manifest_path(path)
        made: dict[str, Any] = {}
        if manifest.is_file():
            try:
                content = json.loads(manifest.read_text("utf-8"))
                made = {key: content.get(key) for key in ("kind", "strategy", "seed", "inputs", "profiles")}
            except (ValueError, AttributeError) as error:
                raise DataError(f"{manifest} is damaged: {error}", hint="make the data again") from error
        pins = tuple(made.pop("profiles", None) or ())
        described.append(DataFile(str(path), sha256_of([path]), pins, made))
    return tuple(described)


def profiles_by_language(pins: Sequence[str], base: Mapping[str, str], name: str) -> dict[str, str]:
    """``{language: pin}`` of the data over those that the base knows. Raises ProfileError where they disagree.

    A profile that serves every language, or that is not installed here, stands under ``any``.
    """
    profiles = dict(base)
    for pin in dict.fromkeys(pins):
        language = _language(pin)
        trained = profiles.get(language)
        if trained and trained != pin:
            told = f"the data is worded by {pin}"
            if trained == base.get(language):
                raise ProfileError(
                    f"{told}, but {name} was trained with {trained} for language {language!r}",
                    hint=f"make the data with --profile {trained.partition('@')[0]}, or train another base",
                )
            raise ProfileError(f"{told} and by {trained}", hint="word all files of a language by one profile")
        profiles[language] = pin
    return profiles


def _language(pin: str) -> str:
    try:
        return load_profile(pin.partition("@")[0]).language
    except ProfileError:
        return "any"
