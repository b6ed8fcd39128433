"""What is too much is refused, and refused cheaply."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from annotated import metformin
from fastapi.testclient import TestClient

from ranit_rag.engines.base import Reply
from ranit_rag.prompts import Conversation
from ranit_rag.service.limits import Limits
from ranit_rag.testing import ScriptedEngine

ASKED = {"text": "Aspirin.", "types": ["drug"]}


class SlowEngine(ScriptedEngine):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__({("Aspirin", "drug"): ["Aspirin"]})
        self.let = threading.Event()

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        self.let.wait(30)
        return super().generate(conversations, max_tokens=max_tokens)


def test_a_body_of_50_mb_is_413(client: TestClient) -> None:
    answer = client.post("/v1/extract", content=b"x" * 50_000_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "BodyTooLarge")


@pytest.mark.parametrize("path", ["/v1/extract", "/v1/stores/a/import"])
def test_a_body_of_unknown_length_is_not_read_to_its_end(client: TestClient, path: str) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(60):
            sent += 1_000_000
            yield b"x" * 1_000_000

    answer = client.post(path, content=pieces(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "BodyTooLarge")


def test_10000_types_are_422(client: TestClient) -> None:
    for types in ([f"t{i}" for i in range(10_000)], {f"t{i}": "" for i in range(10_000)}, [1] * 100_000):
        answer = client.post("/v1/extract", json={"text": "a", "types": types})
        assert answer.status_code == 422
        assert len(answer.content) < 2_000


def test_too_many_texts_and_too_long_ones_are_422(client: TestClient) -> None:
    for body in (
        {"texts": ["a"] * 129, "types": ["b"]},
        {"text": "a" * 1_000_001, "types": ["b"]},
        {"text": "a " * 15_000, "types": ["b"], "explain": True},
        {"text": "a", "types": ["b" * 2_001]},
    ):
        assert client.post("/v1/extract", json=body).status_code == 422


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000, b'{"text":' * 100_000, b'{"text": ' + b"[" * 900 + b"]" * 900 + b"}", b"\xff\xfe", b"{"]
)
def test_deep_and_broken_json_is_4xx(client: TestClient, bomb: bytes) -> None:
    answer = client.post("/v1/extract", content=bomb, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["request_id"]


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fetc%2Fpasswd",
        "%2Fetc%2Fpasswd",
        "a%2Fexamples",
        "..%5C..%5Cx",
        "CON",
        "%E6%B3%95%E5%BE%8B",
        "a%20b",
        "%252e%252e",
        "'; DROP TABLE x; --",
    ],
)
def test_path_like_names_are_only_names(client: TestClient, name: str, tmp_path: Any) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert client.get(f"/v1/stores/{name}").status_code == 404
    assert client.post(f"/v1/stores/{name}/corrections?create=true", json=metformin()).status_code == 200
    assert client.get(f"/v1/stores/{name}").json()["size"] == 1
    assert client.get(f"/v1/stores/{name}/export").text.count("\n") == 1
    assert len(client.get("/v1/stores").json()["stores"]) == 1
    assert client.delete(f"/v1/stores/{name}").status_code == 200
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["%FF%FE", "%00", "%0A", "%20", "a" * 5_000])
def test_names_that_are_none_are_4xx(client: TestClient, name: str) -> None:
    assert 400 <= client.get(f"/v1/stores/{name}").status_code < 500
    assert 400 <= client.post(f"/v1/stores/{name}/corrections?create=true", json=metformin()).status_code < 500


def test_a_full_queue_is_429_with_when_to_come_again(serve: Any) -> None:
    engine = SlowEngine()
    client = serve(engine=engine, limits=Limits(queue=2))
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/v1/extract", json=ASKED))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while "ranit_queue_texts 2.0" not in client.get("/metrics").text:
        time.sleep(0.01)
    refused = client.post("/v1/extract", json=ASKED)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "QueueFull")
    assert int(refused.headers["retry-after"]) >= 1
    streamed = client.post("/v1/extract", json=ASKED, headers={"Accept": "text/event-stream"})
    assert streamed.status_code == 429
    assert client.post("/v1/decisions/explain", json=ASKED).status_code == 429
    for path in ("/v1/extract", "/v1/decisions/explain"):
        assert {"429", "504"} <= client.get("/openapi.json").json()["paths"][path]["post"]["responses"].keys()
    engine.let.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert client.post("/v1/extract", json=ASKED).status_code == 200
    assert 'ranit_refused_total{reason="QueueFull"} 3.0' in client.get("/metrics").text


def test_a_request_that_takes_too_long_is_504_and_leaves_no_work_behind(serve: Any) -> None:
    engine = SlowEngine()
    client = serve(engine=engine, limits=Limits(deadline=0.2, batch=1))
    answer = client.post("/v1/extract", json={"texts": ["Aspirin."] * 20, "types": ["drug"]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (504, "DeadlineExceeded")
    told = client.get("/metrics").text
    assert "ranit_queue_texts 0.0" in told
    assert "ranit_queue_windows 0.0" in told
    events = client.post("/v1/extract", json=ASKED, headers={"Accept": "text/event-stream"}).text
    assert "event: error" in events
    assert "DeadlineExceeded" in events
    engine.let.set()
    time.sleep(0.1)
    assert len(engine.conversations) <= 2


def test_before_the_model_is_there_requests_are_503(serve: Any) -> None:
    class Loading(ScriptedEngine):
        def count_tokens(self, text: str) -> int:
            return len(text)

    release = threading.Event()

    class LateStores:
        def names(self) -> list[str]:
            release.wait(30)
            return []

    client = serve(engine=Loading({}), stores=LateStores(), wait=False)
    assert client.get("/healthz").status_code == 200
    for answer in (client.get("/readyz"), client.post("/v1/extract", json=ASKED)):
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "Opening")
        assert answer.headers["retry-after"]
    release.set()
    while client.get("/readyz").status_code != 200:
        time.sleep(0.01)
