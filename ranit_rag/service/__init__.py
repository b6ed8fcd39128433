"""RANIT over HTTP: ``create_app`` for a server of your own, ``ranit serve`` for a ready one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ranit_rag.extras import require

if TYPE_CHECKING:
    from ranit_rag.service.app import create_app as create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """FastAPI loads on first use, and MissingExtraError says what to install where it is not there."""
    if name not in __all__:
        raise AttributeError(f"module 'ranit_rag.service' has no attribute {name!r}")
    require("fastapi", extra="serve")
    from ranit_rag.service import app

    return getattr(app, name)
