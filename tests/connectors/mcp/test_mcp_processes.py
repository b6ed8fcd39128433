"""``ranit mcp`` as clients start it: a process on standard streams, and a server on a port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

CALL = {"text": "Aspirin eased her migraine.", "types": ["drug", "disease"]}
COMMAND = [sys.executable, "-m", "ranit_rag", "mcp"]


# Starts without loading a model, for tests that extract nothing.
NO_MODEL = ["--engine", "openai", "--model", "nano", "--base-url", "http://127.0.0.1:1/v1"]


def check(result: CallToolResult) -> None:
    """Whatever the model finds stands in the text."""
    assert result.structured_content is not None
    for entity in result.structured_content["entities"]:
        assert entity["text"] == CALL["text"][entity["start"] : entity["end"]]
    assert result.structured_content["usage"]["calls"] == 2


async def test_a_client_starts_the_server_and_speaks_over_its_streams(tmp_path: Path) -> None:
    arguments = [*COMMAND[1:], "--stores", str(tmp_path / "stores")]
    server = StdioServerParameters(command=COMMAND[0], args=arguments, env=dict(os.environ))
    async with Client(server) as client:
        check(await client.call_tool("extract", CALL))
        stores = await client.call_tool("list_stores", {})
    assert stores.structured_content == {"result": []}


# A program whose engine, and a library in C under it, write where only the protocol may go.
NOISY = """
import os
from ranit_mcp import create_server
from ranit_rag import Ranit
from ranit_rag.testing import ScriptedEngine

def script(text, entity_type):
    print("noise from Python", flush=True)
    os.write(1, b"noise from C\\n")
    return [text[:7]]

create_server(Ranit(ScriptedEngine(script), judge="never")).run("stdio")
"""


def test_nothing_but_the_protocol_goes_to_standard_output() -> None:
    def line(**fields: object) -> str:
        return json.dumps({"jsonrpc": "2.0", **fields}) + "\n"

    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with subprocess.Popen(
        [sys.executable, "-c", NOISY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line(id=1, method="initialize", params=client))
        process.stdin.write(line(method="notifications/initialized"))
        process.stdin.write(line(id=2, method="tools/call", params={"name": "extract", "arguments": CALL}))
        process.stdin.flush()
        answers = [process.stdout.readline() for _ in range(2)]
        output, errors = process.communicate(timeout=30)
    messages = [json.loads(each) for each in [*answers, *output.splitlines()]]
    assert [message["id"] for message in messages if "id" in message] == [1, 2]
    assert messages[1]["result"]["structuredContent"]["entities"][0]["text"] == "Aspirin"
    assert "noise from Python" in errors
    assert "noise from C" in errors


@contextmanager
def served(*options: str, **variables: str) -> Iterator[tuple[str, subprocess.Popen[str], str]]:
    """The URL of ``ranit mcp --http`` on a free port, its process, and what it said before it listened."""
    with subprocess.Popen(
        [*COMMAND, "--http", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    ) as process:
        try:
            url, said = _listening(process.stderr)
            yield url, process, said
        finally:
            process.terminate()
            process.wait(15)


def _listening(errors: IO[str] | None) -> tuple[str, str]:
    assert errors is not None
    said = ""
    for line in errors:
        said += line
        if found := re.search(r"listening at (\S+)", line):
            return found[1], said
    raise AssertionError(said)


async def test_a_server_on_a_port_answers_those_with_a_key_and_ends_when_told() -> None:
    with served(RANIT_MCP_KEYS="first, second") as (url, process, said):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/mcp", url)
        assert "first" not in said
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer second"}, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            check(await client.call_tool("extract", CALL))
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"Accept": "application/json, text/event-stream"}
        async with httpx2.AsyncClient() as http:
            for headers in ({}, {"Authorization": "Bearer third"}, {"Authorization": "Basic second"}):
                assert (await http.post(url, json=request, headers={**accept, **headers})).status_code == 401
            rebound = {**accept, "Authorization": "Bearer first", "Host": "evil.example"}
            assert (await http.post(url, json=request, headers=rebound)).status_code == 421
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_without_a_key_of_ones_own_one_is_made_up_and_told() -> None:
    with served(*NO_MODEL) as (_, _, said):
        assert re.search(r"^key: \S{32} \(set RANIT_MCP_KEYS", said, re.MULTILINE)


async def test_on_this_machine_keys_can_be_done_without() -> None:
    with served("--no-key", "--read-only", *NO_MODEL) as (url, _, said):
        assert "key" not in said
        async with Client(url) as client:
            assert "add_example" not in [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--http", "--no-key", "--host", "0.0.0.0"], "--no-key serves anybody who can reach 0.0.0.0"),
        (["--port", "80"], "--port needs --http"),
        (["--judge", "nobody"], "judge is 'nobody'"),
        (["--http", "--host", "203.0.113.1"], "cannot listen at 203.0.113.1:8765"),
    ],
)
def test_options_that_cannot_work_are_told_before_a_model_is_loaded(options: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("options", [[], ["--http", "--port", "0", "--no-key"]])
def test_a_model_that_is_not_there_is_told_in_one_line_with_the_remedy(options: list[str]) -> None:
    command = [*COMMAND, *options, "--model", "no/such/folder/"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: the model directory 'no/such/folder")
    assert hint.startswith("hint: check the path")
    assert "Traceback" not in done.stderr
