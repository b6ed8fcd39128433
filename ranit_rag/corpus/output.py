"""The folder that a run writes to: its own, of one identity, held by one process at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import filelock

from ranit_rag.corpus.parts import files_from
from ranit_rag.corpus.rows import to_json
from ranit_rag.corpus.writing import unwritable, write_whole
from ranit_rag.errors import InputError

_RUN, _SUMMARY, _LOCK = "run.json", "summary.json", "run.lock"
_ANEW = "go on as it was begun, give another --output, or begin anew with --no-resume"


class Output:
    """The folder of a run, made if need be. ``asked`` is what its rows depend on.

    Raises InputError where the folder holds something else, belongs to a run that asked otherwise, or is in use; and
    DataError where it cannot be written. Without ``resume`` what an earlier run wrote is deleted.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], *, resume: bool = True) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(folder / _LOCK, timeout=0)
            self._lock.acquire()
        except filelock.Timeout as error:
            raise InputError(f"{folder} is being written by another run", hint="wait for it to end") from error
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            self._open({"version": 1, **asked}, resume=resume)
        except BaseException:
            self.close()
            raise

    def _open(self, asked: dict[str, Any], *, resume: bool) -> None:
        begun = self._begun()
        if begun is None and any(path.name != _LOCK for path in self.folder.iterdir()):
            raise InputError(
                f"{self.folder} is not empty, and not the output of an earlier run", hint="give a folder of its own"
            )
        if begun is not None and not resume:
            self._clear()
        elif begun is not None and begun != asked:
            raise InputError(f"{self.folder} was begun with other settings: {_difference(begun, asked)}", hint=_ANEW)
        if begun != asked:
            write_whole(self.folder / _RUN, [to_json(asked, indent=2), b"\n"])

    def _begun(self) -> Any:
        """What an earlier run noted, None where there was none."""
        path = self.folder / _RUN
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {error}", hint=_ANEW) from error

    def _clear(self) -> None:
        for path in [*files_from(self.folder), self.folder / _SUMMARY, self.folder / _RUN]:
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "earlier", ignore_errors=True)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write ``summary.json``, the last thing that a run does."""
        write_whole(self.folder / _SUMMARY, [to_json(summary, indent=2), b"\n"])

    def close(self) -> None:
        """Let the next process have the folder."""
        self._lock.release()
        with suppress(OSError):
            (self.folder / _LOCK).unlink()


def _difference(begun: Any, asked: Mapping[str, Any], place: str = "") -> str:
    """The first setting in which two runs differ."""
    for name in asked:
        before = begun.get(name) if isinstance(begun, Mapping) else None
        if before == asked[name]:
            continue
        if isinstance(before, Mapping) and isinstance(asked[name], Mapping):
            return _difference(before, asked[name], f"{place}{name} ")
        return f"{place}{name} was {json.dumps(before, ensure_ascii=False)}, " + (
            f"and is {json.dumps(asked[name], ensure_ascii=False)}"
        )
    return "they are of another version"
