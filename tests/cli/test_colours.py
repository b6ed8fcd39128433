"""Colours: on a terminal, where they help; never in a file or a pipe that did not ask for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines.faulty_server import FaultyServer

COLOUR = re.compile(r"\x1b\[[\d;]*(3\d|4\d|9\d)[\d;]*m")
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(lambda request: '["Aspirin"]') as server:
        yield server


@pytest.fixture
def command(server: FaultyServer) -> list[str]:
    options = ["--engine", "openai", "--model", "nano", "--base-url", server.url, "--profile", "uniner.v1"]
    return [sys.executable, "-m", "ranit_rag", "extract", "Aspirin helps.", "-t", "drug", "--format", "table", *options]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    left_out = ("RANIT_", "OPENAI_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, "RANIT_HOME": str(tmp_path), "RANIT_JUDGE": "never", "TERM": "xterm-256color"}


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What a process writes to a terminal that it is started in."""
    pty = pytest.importorskip("pty", reason="there are no terminals of this kind here")
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    written = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux's way to say that nobody writes any more
            piece = b""
        if not piece:
            break
        written += piece
    process.wait(60)
    os.close(leader)
    return written.decode()


def on_a_pipe(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120).stdout


def test_a_terminal_gets_colours_and_no_color_takes_them_away(command: list[str], environment: dict[str, str]) -> None:
    assert COLOUR.search(on_a_terminal(command, environment))
    plain = on_a_terminal(command, {**environment, "NO_COLOR": "1"})
    assert "Aspirin" in plain
    assert not COLOUR.search(plain)
    assert COLOUR.search(on_a_terminal(command, {**environment, "NO_COLOR": ""})), "an empty NO_COLOR is not set"


def test_a_pipe_gets_colours_only_where_it_asks(command: list[str], environment: dict[str, str]) -> None:
    plain = on_a_pipe(command, environment)
    assert "Aspirin" in plain
    assert ESCAPE not in plain
    assert COLOUR.search(on_a_pipe(command, {**environment, "FORCE_COLOR": "1"}))


def test_a_file_gets_no_colours_even_where_they_are_forced(
    command: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    on_a_terminal([*command, "-o", str(tmp_path / "found.txt")], {**environment, "FORCE_COLOR": "1"})
    written = (tmp_path / "found.txt").read_text("utf-8")
    assert "Aspirin" in written
    assert ESCAPE not in written


def test_an_error_stands_out_on_a_terminal_and_is_plain_elsewhere(environment: dict[str, str]) -> None:
    wrong = [sys.executable, "-m", "ranit_rag", "extract", "text", "-t", " "]
    assert COLOUR.search(on_a_terminal(wrong, environment))
    told = subprocess.run(wrong, env=environment, capture_output=True, text=True, timeout=120)
    assert told.stderr.startswith("error: a --type is blank\nhint: ")
