"""``ranit mcp``: serve the tools to a Model Context Protocol client."""

from __future__ import annotations

import ipaddress
import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option, decoding_options, engine_options, retrieval_options
from ranit_rag.extras import require

if TYPE_CHECKING:
    from ranit_rag import Settings

KEYS_VARIABLE = "RANIT_MCP_KEYS"


@click.command(context_settings={"max_content_width": 100})
@click.option("--http", is_flag=True, help="Serve streamable HTTP at /mcp instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on, with --http.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port to listen on, with --http; 0 for a free one.",
)
@click.option("--no-key", is_flag=True, help="Ask for no key, with --http on this machine alone.")
@click.option("--read-only", is_flag=True, help="Offer no tool that writes to the stores.")
@click.option("--time-limit", default=300.0, show_default=True, help="Seconds after which a call is given up.")
@retrieval_options
@decoding_options
@engine_options
@debug_option
def mcp(
    http: bool,
    host: str,
    port: int,
    no_key: bool,
    read_only: bool,
    time_limit: float,
    **settings: Any,
) -> None:
    """Serve extraction and the example stores to MCP clients.

    A client starts `ranit mcp` itself and speaks with it over standard input and output, where nothing but the
    protocol goes. With --http it listens at http://127.0.0.1:8765/mcp, and a request needs a key as bearer token: one
    of those in RANIT_MCP_KEYS, separated by commas, or else one that is made up and shown at the start.

    \b
    {"mcpServers": {"ranit": {"command": "ranit", "args": ["mcp"]}}}
    """
    if not http:
        context = click.get_current_context()
        for name in ("host", "port", "no_key"):
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"--{name.replace('_', '-')} needs --http")
    require("mcp", extra="mcp")
    set_up_logs(quiet=False)
    from ranit_rag import Settings

    loaded = Settings.load(**settings)
    if not http:
        _serve_streams(loaded, read_only, time_limit)
        return
    if no_key and not _is_loopback(host):
        raise click.UsageError(f"--no-key serves anybody who can reach {host}: it is for 127.0.0.1")
    from ranit_mcp.http import listen, serve
    from ranit_mcp.server import create_server
    from ranit_rag import Ranit

    listening = listen(host, port)
    keys = [] if no_key else _keys()
    serve(create_server(Ranit(settings=loaded), read_only=read_only, time_limit=time_limit, keys=keys), listening)


def _serve_streams(settings: Settings, read_only: bool, time_limit: float) -> None:
    """The model is opened within the server, which has by then taken standard output from whatever prints."""
    from ranit_mcp.server import create_server

    if sys.stdin.isatty():
        click.echo("waiting for an MCP client on standard input; Ctrl-D ends", err=True)
    try:
        create_server(settings=settings, read_only=read_only, time_limit=time_limit).run("stdio")
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


def _keys() -> list[str]:
    """The keys of the environment, else a new one, which is told on standard error."""
    keys = [key.strip() for key in os.environ.get(KEYS_VARIABLE, "").split(",") if key.strip()]
    if not keys:
        keys = [secrets.token_urlsafe(24)]
        click.echo(f"key: {keys[0]} (set {KEYS_VARIABLE} to choose your own)", err=True)
    return keys


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
