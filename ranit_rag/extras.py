"""The one way to import an optional part."""

from __future__ import annotations

import importlib
from types import ModuleType

from ranit_rag.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module``, or raise MissingExtraError that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not module.startswith(error.name):
            raise
        raise MissingExtraError(
            f"{module.partition('.')[0]} is not installed", hint=f"pip install 'ranit-rag[{extra}]'"
        ) from error
