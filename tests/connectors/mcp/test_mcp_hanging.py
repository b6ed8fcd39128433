"""A model server that never answers holds up neither the client nor the server, and its requests are let go."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from mcp import Client

from ranit_mcp import create_server
from ranit_rag import Ranit
from ranit_rag.engines.openai import OpenAIEngine

CALL = {"text": "Aspirin eased her migraine.", "types": ["drug"]}


@dataclass
class Hanging:
    """What a server saw that lists its model and then answers nothing."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def hanging_server() -> AsyncIterator[Hanging]:
    seen = Hanging()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            body = json.dumps({"object": "list", "data": [{"id": "nano", "object": "model"}]}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        else:
            seen.asked.set()
            while await reader.read(1000):
                pass
            seen.abandoned.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield seen
    finally:
        server.close()


@pytest.mark.parametrize("tool", ["extract", "extract_many"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_that_the_client_cancels_lets_go_of_the_request(tool: str, mode: str) -> None:
    call = CALL if tool == "extract" else {"texts": [CALL["text"]], "types": CALL["types"]}
    async with hanging_server() as seen:
        ner = Ranit(OpenAIEngine("nano", base_url=seen.url), judge="never")
        async with Client(create_server(ner), mode=mode) as client:
            waiting = asyncio.create_task(client.call_tool(tool, call))
            await asyncio.wait_for(seen.asked.wait(), 10)
            waiting.cancel()
            await asyncio.wait_for(seen.abandoned.wait(), 5)
            assert {each.name for each in (await client.list_tools()).tools} >= {tool}


async def test_a_call_over_the_time_limit_is_given_up_and_told() -> None:
    async with hanging_server() as seen:
        ner = Ranit(OpenAIEngine("nano", base_url=seen.url), judge="never")
        async with Client(create_server(ner, time_limit=0.5)) as client:
            started = time.monotonic()
            result = await client.call_tool("extract", CALL)
            assert time.monotonic() - started < 5
            await asyncio.wait_for(seen.abandoned.wait(), 5)
    assert result.is_error
    assert "did not answer within 0.5 seconds" in result.content[0].text  # type: ignore[union-attr]
