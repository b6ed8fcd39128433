"""A server that is stopped, that dies, and whose clients leave."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
from served_process import ASKED, Server

from ranit_rag import open_stores

LONG = {"text": "Ada Lovelace met Charles Babbage in London. " * 150, "types": ["person", "location"]}


async def test_sigterm_under_load_answers_what_is_in_hand_and_refuses_the_rest(start: Any) -> None:
    server: Server = start().ready()
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        await client.post("/v1/stores/mine/corrections?create=true", json={"text": "Kept.", "entities": []})
        in_hand = [asyncio.create_task(client.post("/v1/extract", json=ASKED)) for _ in range(24)]
        while "ranit_queue_texts 24.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        refused = []
        while server.process.poll() is None:
            try:
                refused.append(await client.post("/v1/extract", json=ASKED))
            except httpx.TransportError:
                break
            await asyncio.sleep(0.05)
        answers = await asyncio.gather(*in_hand)
    assert [answer.status_code for answer in answers] == [200] * 24
    assert all(answer.json()["entities"] for answer in answers)
    late = [answer for answer in refused if answer.status_code != 200]
    assert late
    assert {(answer.status_code, answer.json()["error"]["type"]) for answer in late} == {(503, "Stopping")}
    assert server.process.wait(30) == 0
    again: Server = start().ready()
    with again.client() as checking:
        assert checking.get("/v1/stores/mine/export").text.count("Kept.") == 1


def test_sigterm_lets_events_and_an_import_come_to_their_end(start: Any) -> None:
    server: Server = start().ready()
    count = 300
    lines = "".join(json.dumps({"text": f"Patient {i} takes metformin.", "entities": []}) + "\n" for i in range(count))
    body = {**LONG, "text": LONG["text"][: len(LONG["text"]) // 3]}
    with server.client() as client, ThreadPoolExecutor() as pool:
        client.post("/v1/stores/clinic/corrections?create=true", json={"text": "Kept.", "entities": []})
        with client.stream("POST", "/v1/extract", json=body, headers={"Accept": "text/event-stream"}) as answer:
            events = answer.iter_lines()
            told = [next(events)]
            importing = pool.submit(client.post, "/v1/stores/clinic/import", content=lines.encode())
            while not list((server.home / "imports").glob("*/note.json")):
                assert not importing.done(), "the import was too short for this test"
                time.sleep(0.005)
            server.process.send_signal(signal.SIGTERM)
            told += events
        imported = importing.result()
    names = [line.removeprefix("event: ") for line in told if line.startswith("event: ")]
    assert names[-2:] == ["result", "done"]
    assert (imported.status_code, imported.json()["added"]) == (200, count)
    assert server.process.wait(30) == 0
    assert list((server.home / "imports").iterdir()) == []
    assert len(open_stores(server.home / "stores").open("clinic")) == count + 1


def test_a_body_that_does_not_arrive_is_given_up_at_the_deadline(start: Any) -> None:
    server: Server = start("--deadline", "2").ready()
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        head = f"POST /v1/extract HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        client.sendall(f'{head}Content-Length: 1000\r\n\r\n{{"text": "'.encode())
        started = time.monotonic()
        answer = b""
        while part := client.recv(4096):  # until the server closes the connection
            answer += part
    assert 1 < time.monotonic() - started < 10
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"BodyTooSlow" in answer


def test_idle_it_ends_at_once(start: Any) -> None:
    server: Server = start().ready()
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 10


def test_kill_during_an_import_is_told_and_finished_at_the_next_start(start: Any) -> None:
    server: Server = start().ready()
    count = 1_500
    lines = "".join(
        json.dumps({"text": f"Patient {i} takes metformin.", "entities": [{"start": 0, "end": 7, "label": "role"}]})
        + "\n"
        for i in range(count)
    )
    with server.client() as client:
        client.post("/v1/stores/clinic/corrections?create=true", json={"text": "Kept.", "entities": []})
    parts = urlsplit(server.url)
    body = lines.encode()
    head = f"POST /v1/stores/clinic/import HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        connection.sendall(head.encode() + body)
        imports = server.home / "imports"
        while not list(imports.glob("*/note.json")):
            time.sleep(0.005)
        time.sleep(0.3)
        server.kill()
    assert list(imports.glob("*/note.json"))
    again: Server = start().ready()
    assert [line["examples"] for line in again.events("an import was not finished: it is being finished")] == [count]
    assert again.events("the import is finished")
    with again.client() as client:
        stats = client.get("/v1/stores/clinic").json()
    assert (stats["size"], stats["unfinished"]) == (count + 1, "")
    assert again.stop() == 0
    assert len(open_stores(server.home / "stores").open("clinic")) == count + 1
    assert list(imports.iterdir()) == []


def test_the_work_of_a_client_that_leaves_is_dropped(server: Server) -> None:
    with server.client() as client:
        try:
            client.post("/v1/extract", json=LONG, timeout=0.5)
        except httpx.ReadTimeout:
            pass
        else:
            raise AssertionError("the text was too short for this test")
    with server.client() as client:
        end = time.monotonic() + 20
        while "ranit_queue_texts 0.0" not in (told := client.get("/metrics").text):
            assert time.monotonic() < end, told
            time.sleep(0.05)
        assert "ranit_queue_windows 0.0" in told
    left = [line for line in server.events("request") if line["status"] == 499]
    assert len(left) == 1


def test_a_client_that_leaves_its_events_is_noticed(server: Server) -> None:
    with (
        server.client() as client,
        client.stream("POST", "/v1/extract", json=LONG, headers={"Accept": "text/event-stream"}) as answer,
    ):
        for line in answer.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:]).get("done", 0) > 0:
                break
    with server.client() as client:
        end = time.monotonic() + 20
        while "ranit_queue_windows 0.0" not in (told := client.get("/metrics").text):
            assert time.monotonic() < end, told
            time.sleep(0.05)


def test_the_log_has_no_texts(server: Server) -> None:
    with server.client() as client:
        client.post("/v1/extract", json={"text": "Zzyzx is secret.", "types": ["zzyzx kind"]})
        client.get("/v1/types", params={"text": "Zzyzx"})
        client.post("/v1/extract", json={"text": ["Zzyzx"]})
        client.post("/v1/stores/zzyzx/corrections", json={"text": "Zzyzx", "entities": []})
        asked = Counter(["/v1/extract", "/v1/types", "/v1/extract", "/v1/stores/{name}/corrections"])
        end = time.monotonic() + 20
        while not Counter(line["route"] for line in server.events("request")) >= asked:  # lines may follow answers
            assert time.monotonic() < end, server.log
            time.sleep(0.01)
    assert all(line["request_id"] for line in server.events("request"))
    assert "zzyzx" not in json.dumps(server.log).lower()


def test_a_model_that_is_not_there_ends_the_server(start: Any) -> None:
    server: Server = start("--model", "/nowhere/at/all")
    assert server.process.wait(90) == 1
    time.sleep(0.2)
    assert "error: " in "".join(server.other)


def test_other_machines_are_served_with_keys_only(start: Any) -> None:
    server: Server = start("--host", "0.0.0.0")
    assert server.process.wait(90) == 2
    time.sleep(0.2)
    assert "give --keys FILE" in "".join(server.other)
