"""The server on a port."""

from __future__ import annotations

import socket

import click
import uvicorn
from mcp.server import MCPServer

from ranit_rag.errors import InputError


def listen(host: str, port: int) -> socket.socket:
    """The address, taken before a model is loaded. Raises InputError where it cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InputError(
            f"cannot listen at {host}:{port}: {error.strerror}", hint="give another --port, or --port 0"
        ) from error


def serve(server: MCPServer[None], listening: socket.socket) -> None:
    """Serve streamable HTTP until a signal ends it; where it listens is told on standard error.

    On a loopback address, requests that a web page of another host sends are refused.
    """
    app = server.streamable_http_app(host=listening.getsockname()[0])
    # Without a configuration uvicorn leaves logging alone; its own would write to standard output.
    _Server(uvicorn.Config(app, log_config=None)).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says where it listens, as soon as it does: when the model is loaded."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            click.echo(f"listening at http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
