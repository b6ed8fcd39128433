"""Arrays in files that other processes may read, write and damage meanwhile."""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
"""Arrays of any type and shape by their names."""

_logger = logging.getLogger(__name__)


def read_arrays(path: Path) -> Arrays | None:
    """What a file holds, whatever that is; None where there is none, or it is damaged (the archive has checksums)."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        _logger.info("%s is not read: %r", path, error)
        return None


def write_arrays(path: Path, arrays: Arrays) -> bool:
    """Write the whole file, and say so, or none. Two processes may, if they write the same."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            try:
                np.savez(file, **arrays)
                file.close()
                os.replace(file.name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise
    except OSError as error:
        _logger.info("%s is not written: %r", path, error)
        return False
    return True
