"""How a request is refused: the errors of the service, and the one form in which all errors are told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from ranit_rag.corpus.rows import to_json
from ranit_rag.errors import (
    ConfigError,
    ContextLengthError,
    DataError,
    InputError,
    MissingExtraError,
    ProfileError,
    RanitError,
    ServerError,
    ServerTimeoutError,
    StoreError,
)

CLIENT_LEFT = 499  # nobody reads it but the log and the metrics
_logger = logging.getLogger(__name__)
_SAID = {
    404: ("NotFound", "there is nothing at this address", "see /docs for what there is"),
    405: ("MethodNotAllowed", "this address does not take that method", "see /docs for what it takes"),
    408: ("BodyTooSlow", "the body did not arrive within the deadline", "/v1/info tells the limits"),
    413: ("BodyTooLarge", "the body is longer than the server takes", "send less at once; /v1/info tells the limits"),
}
# The first that fits counts: what the caller can mend is 4xx, what stands behind the server 502 to 504.
_STATUS: tuple[tuple[type[RanitError], int], ...] = (
    (ContextLengthError, 422),
    (ServerTimeoutError, 504),
    (ServerError, 502),
    (StoreError, 503),
    (MissingExtraError, 503),
    (InputError, 422),
    (DataError, 422),
    (ProfileError, 422),
    (ConfigError, 422),
)


class Json(JSONResponse):
    """JSON as the command line writes it."""

    def render(self, content: Any) -> bytes:
        return to_json(content)


class RefusedError(RanitError):
    """A request that is not served: ``kind`` is the error's type in the answer, ``status`` its HTTP status."""

    def __init__(
        self, status: int, kind: str, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


def error_fields(error: Exception) -> dict[str, str]:
    """``{"type", "message", "hint"}`` of an error; of one that is nobody's to know, only that it happened."""
    if isinstance(error, RefusedError):
        return {"type": error.kind, "message": error.message, "hint": error.hint}
    if isinstance(error, RanitError):
        return {"type": type(error).__name__, "message": error.message, "hint": error.hint}
    return {"type": "InternalError", "message": "the server failed", "hint": "the server's log has the request's id"}


def status_of(error: Exception) -> int:
    """The HTTP status that tells an error."""
    if isinstance(error, RefusedError):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_answer(
    request_id: str, status: int, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Json:
    """The answer that tells an error."""
    return Json({"error": {**fields, "request_id": request_id}}, status, headers=dict(headers or {}))


def handle_errors(app: FastAPI) -> None:
    """Have every error of the app told in the one form."""

    async def refused(request: Request, error: Exception) -> Response:
        status, headers = status_of(error), {}
        if isinstance(error, RefusedError):
            headers = error.headers
            request.app.state.service.metrics.refused(error.kind)
        if status >= 500 and not isinstance(error, RefusedError):
            _logger.error("%s", type(error).__name__, extra={"request_id": request_id(request)}, exc_info=error)
        return error_answer(request_id(request), status, error_fields(error), headers)

    async def invalid(request: Request, error: Exception) -> Response:
        problems = error.errors() if isinstance(error, RequestValidationError) else ()
        hint = "see /docs for what a request holds"
        if request.headers.get("content-length", "0") != "0" and "json" not in request.headers.get("content-type", ""):
            hint = "send it with Content-Type: application/json"
        fields = {"type": "InvalidRequest", "message": _told(problems), "hint": hint}
        return error_answer(request_id(request), 422, fields)

    async def other(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = str(error.detail) if isinstance(error, HTTPException) else ""
        kind, message, hint = _SAID.get(status, ("BadRequest", detail, ""))
        headers = error.headers if isinstance(error, HTTPException) else None
        return error_answer(request_id(request), status, {"type": kind, "message": message, "hint": hint}, headers)

    async def left(_request: Request, _error: Exception) -> Response:
        return Response(status_code=CLIENT_LEFT)

    app.add_exception_handler(RanitError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(ClientLeftError, left)
    app.add_exception_handler(Exception, refused)


def request_id(request: Request) -> str:
    """The id under which the log knows a request."""
    return str(request.scope.get("ranit.request_id", ""))


def _told(problems: Any) -> str:
    """The first problems of a request in a line, without what it held."""
    lines = []
    for problem in list(problems)[:3]:
        place = ".".join(str(part)[:60] for part in problem["loc"])
        lines.append(f"{place}: {problem['msg']}")
    return "; ".join(lines) or "the request cannot be read"
