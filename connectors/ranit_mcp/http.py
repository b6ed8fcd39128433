"""The server on a port."""

from __future__ import annotations

import socket

import click
import uvicorn
from mcp.server import MCPServer

from ranit_rag.errors import InputError


def serve(server: MCPServer[None], host: str, port: int) -> None:
    """Serve streamable HTTP until a signal ends it; where it listens is told on standard error.

    On a loopback address, requests that a web page of another host sends are refused. Raises InputError where nobody
    can listen at the address.
    """
    # Without a configuration uvicorn leaves logging alone; its own would write to standard output.
    config = uvicorn.Config(server.streamable_http_app(host=host), host=host, port=port, log_config=None)
    try:
        listening = config.bind_socket()
    except SystemExit as error:
        raise InputError(f"cannot listen at {host}:{port}", hint="give another --port, or --port 0") from error
    _Server(config).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says where it listens, as soon as it does: when the model is loaded."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            click.echo(f"listening at http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
