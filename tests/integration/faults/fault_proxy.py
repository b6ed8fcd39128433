"""A proxy that spoils one request in so many: ``python fault_proxy.py UPSTREAM FAULTS RATE SEED LOG``.

It stands before a real OpenAI-compatible server and prints its own port. What it does to an answer, it does to a real
one. Each chat is noted in LOG as a line of JSON: when it came, which, the fault, and what a whole answer cost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FAULTS = ("429", "500", "reset", "stall", "truncated", "malformed", "wrong schema", "drip")
RETRY_AFTER = 1.5
DRIP = 0.1


@dataclass(frozen=True)
class Message:
    """An HTTP request or response: its first line, its headers, its body."""

    start: str
    headers: dict[str, str]
    body: bytes

    def sent(self, **headers: str) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in {**self.headers, **headers}.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


async def read_message(reader: asyncio.StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Message(head[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))


def reply(status: str, content: object, **headers: str) -> bytes:
    body = json.dumps(content).encode()
    given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    return Message(f"HTTP/1.1 {status}", given, body).sent()


@dataclass
class Proxy:
    host: str
    port: int
    faults: list[str]
    rate: float
    rng: random.Random
    log: Path

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._pass_on(await read_message(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, request: Message, writer: asyncio.StreamWriter) -> None:
        if "/chat/completions" in request.start:
            await self._chat(request, writer)
        else:
            writer.write((await self._asked(request)).sent())
        await writer.drain()

    async def _chat(self, request: Message, writer: asyncio.StreamWriter) -> None:
        fault = self.rng.choice(self.faults) if self.rng.random() < self.rate else None
        note = {"time": time.time(), "request": hashlib.sha256(request.body).hexdigest(), "fault": fault}
        response = None if fault in ("429", "500") else await self._asked(request)
        if response is not None and fault is None:
            note["usage"] = json.loads(response.body).get("usage")
        with self.log.open("a") as lines:  # before the client can count on the answer
            lines.write(json.dumps(note) + "\n")
        if response is not None:
            await self._send(fault, response, writer)
        elif fault == "429":
            busy = {"error": {"message": "slow down"}}
            writer.write(reply("429 Too Many Requests", busy, **{"retry-after": str(RETRY_AFTER)}))
        else:
            writer.write(reply("500 Internal Server Error", {"error": {"message": "out of memory"}}))

    async def _send(self, fault: str | None, response: Message, writer: asyncio.StreamWriter) -> None:
        whole = response.sent()
        if fault is None:
            writer.write(whole)
        elif fault == "stall":
            await asyncio.sleep(600)
        elif fault == "drip":
            for byte in whole:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(DRIP)
        elif fault == "malformed":
            half = response.body[: len(response.body) // 2]
            writer.write(Message(response.start, response.headers, half).sent(**{"content-length": str(len(half))}))
        elif fault == "wrong schema":
            writer.write(reply("200 OK", {"choices": {"answer": json.loads(response.body)["choices"]}}))
        else:
            writer.write(whole[: -(len(response.body) // 2)])
            await writer.drain()
            if fault == "reset":  # lingering for no time sends a reset in place of an orderly end
                connection: Any = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()

    async def _asked(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request.sent(connection="close"))
            return await read_message(reader)
        finally:
            writer.close()


async def main(upstream: str, faults: str, rate: str, seed: str, log: str) -> None:
    parts = urlsplit(upstream)
    proxy = Proxy(
        parts.hostname or "", parts.port or 80, faults.split(","), float(rate), random.Random(seed), Path(log)
    )
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
