"""RANIT as a Model Context Protocol server: ``create_server`` for one of your own, ``ranit mcp`` for a ready one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ranit_rag.extras import require

if TYPE_CHECKING:
    from ranit_mcp.server import create_server as create_server

__all__ = ["create_server"]


def __getattr__(name: str) -> Any:
    """The server loads on first use: ``ranit --help`` reads this package for its command alone."""
    if name not in __all__:
        raise AttributeError(f"module 'ranit_mcp' has no attribute {name!r}")
    require("mcp", extra="mcp")
    from ranit_mcp import server

    return getattr(server, name)
