"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ranit_rag.errors import DataError


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file under another name and put it in its place when it is on the disk.

    A kill leaves the old file or the new one; the half of one goes with the next attempt. Raises DataError.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        with draft.open("wb") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> DataError:
    """The error for what cannot be written."""
    return DataError(
        f"cannot write {path}: {error.strerror or error}",
        hint="make room, or check the permissions; the same command goes on from there",
    )


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
