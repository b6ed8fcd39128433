"""What happens to every request before and after its route: an id, limits of its body, headers, the log, the counts."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ranit_rag.service.errors import CLIENT_LEFT, RefusedError, error_answer, error_fields
from ranit_rag.service.limits import Limits
from ranit_rag.service.metrics import Metrics

STORES_PATH = "/v1/stores/"
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_SAFE = ("GET", "HEAD", "OPTIONS")
_METHODS = (*_SAFE, "POST", "PUT", "PATCH", "DELETE")
# The page, and whatever is opened in a browser: nothing from elsewhere, nothing inline, no frames.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DISCARDED_SECONDS = 30.0  # of a body that is too long: a client reads the answer only when it has sent what it has
_logger = logging.getLogger("ranit_rag.service.requests")


class Requests:
    """Numbers requests, refuses what no route should see, and tells log and metrics how each ended.

    Texts never reach the log: an address is told by its pattern, and of an exception only where it came from.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits, metrics: Metrics, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex
        scope["ranit.request_id"] = request_id
        _keep_names_encoded(scope)
        started = time.perf_counter()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({**_HEADERS, "X-Request-ID": request_id})
            await send(message)

        try:
            with self._metrics.handling():
                await self._serve(scope, headers, receive, send_on)
        except Exception as error:
            _logger.exception("failed", exc_info=error, extra={"request_id": request_id})
            if not status:
                await error_answer(request_id, 500, error_fields(error))(scope, receive, send_on)
        finally:
            self._tell(scope, status or CLIENT_LEFT, time.perf_counter() - started)

    async def _serve(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        most = self._limits.import_bytes if scope["path"].endswith("/import") else self._limits.body_bytes
        refused = _foreign(scope, headers, self._hosts)
        declared = headers.get("content-length", "")
        if not refused and declared.isdecimal() and int(declared) > most:
            refused = RefusedError(413, "BodyTooLarge", f"the body has {declared} bytes, of {most} that are taken")
            if "expect" not in headers:
                await _discard(receive)
        if refused:
            await error_answer(scope["ranit.request_id"], refused.status, error_fields(refused))(scope, receive, send)
            return
        await self._app(scope, _limited(receive, most, self._limits.deadline), send)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request(route, method, status, seconds)
        told = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        noted = scope.get("ranit.noted", {})
        _logger.info("request", extra={"request_id": scope["ranit.request_id"], **told, **noted})


def _keep_names_encoded(scope: Scope) -> None:
    """A store's name may hold any character: a slash in it is told from those of the path while it is encoded."""
    raw: bytes = scope.get("raw_path") or b""
    if raw.startswith(STORES_PATH.encode()):
        scope["path"] = raw.partition(b"?")[0].decode("ascii", "replace")


def _foreign(scope: Scope, headers: Headers, hosts: Collection[str]) -> RefusedError | None:
    """Refuses what a web page of another host has a browser send: it must not read or write somebody's stores.

    Such a page may have its own host's name lead to this machine; then the name gives it away.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    try:
        asked, came_from = urlsplit(f"//{host}").hostname, urlsplit(origin or "").netloc
    except ValueError:  # brackets that hold no address
        return RefusedError(403, "ForeignHost", "the server is asked for, or from, what is no host")
    if hosts and asked not in hosts:
        return RefusedError(403, "ForeignHost", "the server is asked for by a name that is not its own")
    if scope["method"] in _SAFE or origin is None or came_from == host:
        return None
    return RefusedError(
        403, "ForeignOrigin", f"requests of pages of {origin[:80]} are refused", hint="use the page at /"
    )


async def _discard(receive: Receive) -> None:
    """Read a body to its end without keeping it, for a while."""
    try:
        async with asyncio.timeout(_DISCARDED_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


def _limited(receive: Receive, most: int, seconds: float) -> Receive:
    """Raises HTTPException: 413 as soon as a body without a declared length is too long, 408 when it takes too long.

    A client that sends a byte now and then would hold its connection, and what it sent, for ever.
    """
    left, arrived = most, False
    until = asyncio.get_running_loop().time() + seconds

    async def receive_limited() -> Message:
        nonlocal left, arrived
        try:
            async with asyncio.timeout_at(None if arrived else until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        arrived = not message.get("more_body", False)
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_limited
