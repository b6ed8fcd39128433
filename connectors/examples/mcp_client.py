"""A client of RANIT's MCP server, which it starts as Claude Desktop, an IDE or an agent would.

Run it: pip install 'ranit-rag[mcp]' && python connectors/examples/mcp_client.py
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile

from mcp import Client, StdioServerParameters


async def main() -> None:
    with tempfile.TemporaryDirectory() as stores:
        arguments = ["-m", "ranit_rag", "mcp", "--judge", "always", "--stores", stores]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
        async with Client(server) as client:
            print("tools:", [tool.name for tool in (await client.list_tools()).tools])

            example = {"text": "The ship left Plymouth at dawn.", "entities": {"city": ["Plymouth"]}}
            added = await client.call_tool("add_example", {"store": "letters", **example})
            print("added:", added.structured_content)

            async def progress(done: float, total: float | None, message: str | None) -> None:
                print(f"progress: {done:g} of {total:g}, {message}")

            call = {"text": "Marie Curie worked in Paris.", "types": ["person", "city"]}
            result = (await client.call_tool("extract", call, progress_callback=progress)).structured_content or {}
            print("entities:", [(entity["text"], entity["label"]) for entity in result["entities"]])
            print("shown:", [shown["text"] for shown in result["decisions"][0]["examples"]])

            resource = await client.read_resource("ranit://stores/letters/examples")
            print("stored:", resource.contents[0])


if __name__ == "__main__":
    asyncio.run(main())
