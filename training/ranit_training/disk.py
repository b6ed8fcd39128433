"""What is said before long work that would end in a full or locked disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ranit_rag.errors import DataError


def check_space(path: Path, needed: int) -> None:
    """Raises DataError where the disk of ``path`` has not ``needed`` bytes left."""
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DataError(
            f"{path} needs about {_size(needed)} of disk space, and {_size(free)} are free",
            hint="free some, or give another directory",
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def check_writable(path: Path) -> None:
    """Raises DataError where nothing can be written under ``path``, which is made if it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # of a name of its own: the processes of one run ask at once
            pass
    except OSError as error:
        raise DataError(
            f"cannot write to {path}: {error.strerror or error}", hint="check the path and the space on the disk"
        ) from error
