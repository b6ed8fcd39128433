"""The embedded model behind the API of OpenAI: ``python model_server.py`` prints its port and serves.

A real server of a real model, as small as it can be: chat completions of one choice, at temperature 0.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from ranit_rag import Conversation
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.prompts import Message, Query

MODEL = "nano"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: TransformersEngine
    lock = Lock()

    def do_GET(self) -> None:
        info = self.engine.info
        self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "max_model_len": info.context}]})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        turns = [Message(turn["role"], turn["content"]) for turn in request["messages"]]
        conversation = Conversation(tuple(turns[:-1]), (Query(turns[-1].content, ()),))
        with self.lock:
            (reply,) = self.engine.generate([conversation], max_tokens=request["max_tokens"])
        if reply.error is not None:
            self._send(400, {"error": {"message": str(reply.error)}})
            return
        (answer,) = reply.answers
        choice = {"index": 0, "message": {"role": "assistant", "content": answer.text}, "finish_reason": answer.finish}
        usage = {"prompt_tokens": reply.usage.prompt_tokens, "completion_tokens": reply.usage.output_tokens}
        self._send(200, {"object": "chat.completion", "choices": [choice], "usage": usage})

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


if __name__ == "__main__":
    Handler.engine = TransformersEngine()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
