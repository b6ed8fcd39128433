"""RANIT as an MCP server."""
