"""A small OpenAI-compatible server on a thread, with faults to order: what a client meets in the wild."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

FaultKind = Literal[
    "status", "hang", "cut_headers", "cut_body", "not_json", "web_page", "wrong_schema", "empty_choices", "slow", "drip"
]


@dataclass(frozen=True)
class Fault:
    """One thing to do instead of answering; ``slow`` answers after ``seconds``, ``drip`` sends a byte in so many."""

    kind: FaultKind
    status: int = 500
    message: str = "something broke"
    retry_after: float | None = None
    seconds: float = 0.2


@dataclass
class FaultyServer:
    """Answers every chat with ``answer(request)`` and the faults that ``fault(request)`` names; used with ``with``.

    ``card`` is merged into the card of its one model, ``nano``. ``log`` has the bodies of the chats in order of
    arrival, ``most_at_once`` how many were open together.
    """

    answer: Callable[[dict[str, Any]], str] = lambda request: "[]"
    fault: Callable[[dict[str, Any]], Fault | None] = lambda request: None
    models_fault: Fault | None = None
    card: dict[str, Any] = field(default_factory=dict)
    logprobs: bool = True
    api_key: str | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0

    def __enter__(self) -> FaultyServer:
        self._open = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def chat(self, request: dict[str, Any], handler: _Handler) -> None:
        with self._lock:
            self.log.append(request)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        try:
            fault = self.fault(request)
            if fault is not None:
                self.act(fault, handler)
                if fault.kind != "slow":
                    return
            handler.send_json(200, self._completion(request))
        finally:
            with self._lock:
                self._open -= 1

    def act(self, fault: Fault, handler: _Handler) -> None:
        match fault.kind:
            case "status":
                headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                handler.send_json(fault.status, {"error": {"message": fault.message}}, headers)
            case "hang":
                handler.close_connection = True
                self._closing.wait(30)
            case "slow":
                self._closing.wait(fault.seconds)
            case "drip":
                handler.close_connection = True
                self._drip(handler, fault.seconds)
            case "cut_headers":
                handler.close_connection = True
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
            case "cut_body":
                handler.close_connection = True
                handler.send_bytes(200, b'{"choices": [{"mess', length=5000)
            case "not_json":
                handler.send_bytes(200, b'{"choices": [')
            case "web_page":
                handler.send_bytes(200, b"<html>Welcome</html>", content_type="text/html")
            case "wrong_schema":
                handler.send_json(200, {"choices": "none today"})
            case "empty_choices":
                handler.send_json(200, {"choices": []})

    def _drip(self, handler: _Handler, seconds: float) -> None:
        """An answer that never stalls and never ends: one blank after the other, as long as somebody listens."""
        handler.send_bytes(200, b"", length=5000)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while not self._closing.wait(seconds):
                handler.wfile.write(b" ")

    def models(self, handler: _Handler) -> None:
        if self.models_fault is not None:
            self.act(self.models_fault, handler)
        else:
            handler.send_json(200, {"object": "list", "data": [{"id": "nano", "object": "model", **self.card}]})

    def _completion(self, request: dict[str, Any]) -> dict[str, Any]:
        text = self.answer(request)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        if self.logprobs and request.get("logprobs"):
            choice["logprobs"] = {"content": [*_one_byte_each(text), {"token": "<|end|>", "logprob": 0.0}]}
        usage = {
            "prompt_tokens": 40,
            "completion_tokens": 5,
            "total_tokens": 45,
            "prompt_tokens_details": {"cached_tokens": 30},
        }
        return {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}


def _one_byte_each(text: str) -> Iterable[dict[str, Any]]:
    """Tokens of one byte, so that characters beyond ASCII are spread over several of them."""
    return [{"token": "�", "bytes": [byte], "logprob": -0.1} for byte in text.encode()]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self._has_key():
            self.faulty.models(self)
        elif self.path != "/v1/models":
            self.send_json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._has_key():
            return
        if self.path != "/v1/chat/completions":
            self.send_json(404, {"detail": "Not Found"})
        elif request.get("model") != "nano":
            self.send_json(404, {"error": {"message": f"The model `{request.get('model')}` does not exist."}})
        else:
            self.faulty.chat(request, self)

    def _has_key(self) -> bool:
        wanted = self.faulty.api_key
        if wanted is None or self.headers.get("Authorization") == f"Bearer {wanted}":
            return True
        self.send_json(401, {"error": {"message": "Incorrect API key provided."}})
        return False

    def send_json(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(status, json.dumps(content).encode(), headers=headers)

    def send_bytes(
        self,
        status: int,
        content: bytes,
        *,
        length: int | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client gave up in the meantime
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the tests read ``FaultyServer.log``."""


def _handler_of(server: FaultyServer) -> type[_Handler]:
    return type("Handler", (_Handler,), {"faulty": server})
