"""RANIT's server for the browser: a real ``ranit serve``, or the app in a thread over an engine of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn

PATIENCE = 90.0  # seconds


@contextmanager
def serving_process(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """``ranit serve`` with its home in ``folder``; gives the address as soon as it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "serve.log"
    environment = {**os.environ, "RANIT_HOME": str(folder), "RANIT_JUDGE": "calibrated", **(environment or {})}
    command = [sys.executable, "-m", "ranit_rag", "serve", "--port", "0", "--grace", "1", *arguments]
    with log.open("wb") as errors, subprocess.Popen(command, stderr=errors, env=environment) as process:
        try:
            yield _address(log, process)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def serving_app(app: Any, *, port: int = 0) -> Iterator[str]:
    """The app in a thread of this process, ready to answer."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        wait_until_ready(address)
        yield address
    finally:
        server.should_exit = True
        thread.join(30)


def wait_until_ready(address: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/readyz"):
                return
        except urllib.error.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} is not ready after {PATIENCE:.0f} seconds")


def send(address: str, body: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(address, body, method="POST")):
        pass


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        told = log.read_text("utf-8").partition("listening at ")[2]
        if "\n" in told:
            return told.split()[0]
        time.sleep(0.05)
    raise RuntimeError(f"the server does not listen:\n{log.read_text('utf-8')}")
