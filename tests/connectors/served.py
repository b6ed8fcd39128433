"""A model server in a process of its own, so that its work does not count as the client's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
_PROGRAM = """
import sys
from engines.faulty_server import Fault, FaultyServer

slow = Fault("slow", seconds=float(sys.argv[2]))
with FaultyServer(answer=lambda request: sys.argv[1], fault=lambda request: slow) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def model_server(answer: str, *, seconds: float) -> Iterator[str]:
    """The URL of a server that gives this answer to every chat after so many seconds."""
    command = [sys.executable, "-c", _PROGRAM, answer, str(seconds)]
    with subprocess.Popen(command, cwd=_TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
