"""One server that the tests share, and servers of their own for those that end theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_process import Server

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers in one home, which the next finds as the last left it."""
    started: list[Server] = []

    def starting(*options: str, judge: str = "never") -> Server:
        started.append(Server(tmp_path / "home", *options, judge=judge))
        return started[-1]

    yield starting
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("home"))
    yield running.ready()
    running.kill()
