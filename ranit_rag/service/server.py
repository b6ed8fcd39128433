"""The server on a port: listening before the model is there, and stopping when the last request is answered."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import click
import uvicorn
from fastapi import FastAPI

from ranit_rag.errors import InputError
from ranit_rag.service.state import Service

# That make requests ready for the engine. Python's own choice, a few more than processors, would be enough to compute;
# but what the texts of more requests embed is embedded together.
_THREADS = 40
# Seconds that an idle connection is kept: longer than clients and proxies keep theirs (mostly 60), so that they end it,
# and no request is sent into a connection that is being closed.
_KEEP_ALIVE = 75


def listen(host: str, port: int) -> socket.socket:
    """The address, taken before anything is loaded. Raises InputError where it cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise InputError(
            f"cannot listen at {host}:{port}: {error.strerror or error}", hint="give another --port, or --port 0"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve until a signal ends it. Raises what kept the model or the stores from being opened."""
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=1,  # when uvicorn is told to stop, no request is in hand, or its time is over
    )
    _Server(config, service).run(sockets=[listening])
    if service.failure is not None:
        raise service.failure


class _Server(uvicorn.Server):
    """Stops in two steps: at the first signal requests in hand are answered and new ones refused, then it ends."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._stop_at: float | None = None
        service.on_failure = self._give_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ranit-request")
        asyncio.get_running_loop().set_default_executor(threads)
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            click.echo(f"listening at http://{f'[{host}]' if ':' in host else host}:{port}", err=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """The base class raises the signal again at the end, and the exit code would tell of a failure."""
        if self._stop_at is None:
            self._service.admission.closed = True
            self._stop_at = time.monotonic() + self._service.limits.grace
        elif sig == signal.SIGINT:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._stop_at is not None and (not self._service.in_hand or time.monotonic() > self._stop_at):
            self.should_exit = True
        return await super().on_tick(counter)

    def _give_up(self) -> None:
        self.should_exit = self.force_exit = True
