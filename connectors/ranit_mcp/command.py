"""``ranit mcp``: serve the tools to a Model Context Protocol client."""

from __future__ import annotations

import click


@click.command()
def mcp() -> None:
    """Serve extraction and the example stores to MCP clients."""
