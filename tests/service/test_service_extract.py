"""Extraction over HTTP: the contract of the command line, for one text, for many, in events."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
from annotated import metformin
from fastapi.testclient import TestClient

from ranit_rag.errors import EngineError
from ranit_rag.service.access import Keys
from ranit_rag.testing import ScriptedEngine

SCHEMA = json.loads((resources.files("ranit_rag") / "schemas" / "extraction.v1.json").read_text("utf-8"))
ASPIRIN = {"text": "Aspirin eased her migraine.", "types": ["drug", "disease"]}


def events(body: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in body.strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


def test_an_extraction_is_the_contract_of_the_command_line(client: TestClient) -> None:
    answer = client.post("/v1/extract", json=ASPIRIN)
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), SCHEMA)
    assert [(e["text"], e["label"], e["start"], e["end"]) for e in answer.json()["entities"]] == [
        ("Aspirin", "drug", 0, 7),
        ("migraine", "disease", 18, 26),
    ]


def test_types_may_have_definitions_and_texts_be_chinese(client: TestClient) -> None:
    answer = client.post("/v1/extract", json={"text": "他住在北京。", "types": {"地名": "城市"}})
    assert answer.json()["entities"][0] == {"text": "北京", "label": "地名", "start": 3, "end": 5, "score": 0.9}


def test_a_request_says_what_survives(serve: Any) -> None:
    engine = ScriptedEngine({("", "place"): ["Rome"], ("", "team"): ["Rome United"]}, score=0.5)
    asked = {"text": "Rome United won.", "types": ["place", "team"]}
    client = serve(engine=engine)

    def ask(**more: Any) -> Any:
        answer = client.post("/v1/extract", json={**asked, **more}).json()
        jsonschema.validate(answer, SCHEMA)
        return answer

    assert [len(ask(**more)["entities"]) for more in ({}, {"overlaps": "flat"}, {"min_score": 0.6})] == [2, 1, 0]
    (dropped,) = ask(overlaps="flat")["dropped"]
    assert (dropped["text"], dropped["reason"], dropped["winner"]["label"]) == ("Rome", "overlapped", "team")


def test_a_batch_keeps_its_order_and_its_failures(serve: Any) -> None:
    engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"], ("broken", "drug"): EngineError("no answer")})
    answer = serve(engine=engine).post(
        "/v1/extract", json={"texts": ["Aspirin.", "broken", "Aspirin again."], "types": ["drug"]}
    )
    first, second, third = answer.json()["results"]
    assert first["text"] == "Aspirin."
    assert third["text"] == "Aspirin again."
    assert second["error"]["type"] == "EngineError"
    assert second["error"]["request_id"] == answer.headers["x-request-id"]
    assert answer.json()["usage"]["calls"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "a", "texts": ["a"]},
        {"text": " \n"},
        {"text": "a", "overlaps": "nested"},
        {"text": "a", "min_score": 1.5},
        {"text": 1},
        {"text": "a", "types": "drug"},
        {"text": "a", "types": [" "]},
        {"text": "a", "language": "fr"},
        {"text": "a", "tpyes": ["drug"]},
        {"texts": []},
        [],
    ],
)
def test_a_wrong_request_is_told_without_repeating_it(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/extract", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] in ("InvalidRequest", "InputError")


def test_a_mistake_is_told_of_the_form_that_was_sent(client: TestClient) -> None:
    for body, told in (
        ({"text": "a", "tpyes": ["drug"]}, "body.one text.tpyes: Extra inputs are not permitted"),
        ({"texts": ["a", " "]}, "body.several texts.texts.1: String should match pattern '\\S'"),
        ({"types": ["drug"]}, "body.one text.text: Field required"),
    ):
        assert client.post("/v1/extract", json=body).json()["error"]["message"] == told


def test_json_that_is_not_called_so_is_told_of_its_header(client: TestClient) -> None:
    for path in ("/v1/extract", "/v1/decisions/explain", "/v1/stores/a/corrections"):
        answer = client.post(path, content=json.dumps(ASPIRIN))  # as curl sends it without -H
        assert (answer.status_code, answer.json()["error"]["hint"]) == (
            422,
            "send it with Content-Type: application/json",
        )


def test_no_types_and_no_examples_is_the_callers_error(client: TestClient) -> None:
    answer = client.post("/v1/extract", json={"text": "Aspirin."})
    assert answer.status_code == 422
    assert "name the types" in answer.json()["error"]["hint"]


def test_events_tell_progress_results_and_the_end(client: TestClient) -> None:
    answer = client.post(
        "/v1/extract",
        json={"texts": ["Aspirin.", "None here."], "types": ["drug"]},
        headers={"Accept": "text/event-stream"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    assert told[0] == ("progress", {"done": 0, "total": 2})
    assert [name for name, _ in told].count("result") == 2
    assert {data["index"] for name, data in told if name == "result"} == {0, 1}
    assert told[-2] == ("progress", {"done": 2, "total": 2})
    assert told[-1][0] == "done"


def test_events_of_a_long_text_count_its_windows(serve: Any) -> None:
    client = serve(engine=ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}, window=60))
    text = "Aspirin eased her migraine on Monday. " * 12
    told = events(
        client.post("/v1/extract", json={"text": text, "types": ["drug"]}, headers={"Accept": "text/event-stream"}).text
    )
    progress = [data for name, data in told if name == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] > 5
    assert len(progress) > 5


def test_a_store_by_name_and_an_explanation(serve: Any) -> None:
    client = serve(judge="calibrated")
    words = ["Metformin", "Ibuprofen", "Insulin", "Codeine", "Warfarin", "Digoxin", "Heparin", "Morphine", "Aspirin"]
    examples = [metformin(word) for word in words]
    assert client.post("/v1/stores/clinic/examples?create=true", json={"examples": examples}).status_code == 200
    asked = {"text": "Aspirin lowers fever in children.", "types": ["drug"], "domain": "clinic", "explain": True}
    extraction = client.post("/v1/extract", json=asked).json()
    decision = extraction["decisions"][0]
    assert decision["store"] == "clinic"
    explained = extraction["explanations"][0]
    assert explained["decision"] == decision
    assert [shown["id"] for shown in explained["examples"]] == [shown["id"] for shown in decision["examples"]]
    candidate = explained["candidates"][0]
    assert (candidate["store"], candidate["size"]) == ("clinic", 9)
    assert sum(candidate["distribution"]["counts"]) == 9
    assert len(candidate["distribution"]["edges"]) == len(candidate["distribution"]["counts"]) + 1
    prompt = json.dumps(explained["prompt"], ensure_ascii=False)
    assert explained["examples"][0]["text"] in prompt
    alone = client.post(
        "/v1/decisions/explain", json={key: value for key, value in asked.items() if key != "explain"}
    ).json()
    assert alone["explanations"] == extraction["explanations"]


def test_a_judge_chosen_by_hand_shows_a_correction_at_once(serve: Any) -> None:
    client = serve()
    assert client.post("/v1/stores/mine/corrections?create=true", json=metformin()).json()["added"] == 1
    answer = client.post(
        "/v1/extract",
        json={"text": "Insulin lowers it, too.", "types": ["drug"], "domain": "mine", "judge": "always"},
    ).json()
    assert answer["decisions"][0]["examples"][0]["text"] == metformin()["text"]


def test_a_store_that_is_not_there(client: TestClient) -> None:
    answer = client.post("/v1/extract", json={**ASPIRIN, "domain": "nowhere"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NoSuchStore")


def test_types_are_suggested(serve: Any) -> None:
    client = serve()
    client.post("/v1/stores/clinic/examples?create=true", json={"examples": [metformin()]})
    assert client.get("/v1/types").json() == {
        "store": None,
        "types": [],
        "frequent": [{"type": "drug", "count": 1}],
    }


def test_the_openapi_document_has_examples_that_are_accepted(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    takes = {
        "ExtractOne": "/v1/extract",
        "ExtractMany": "/v1/extract",
        "ExplainBody": "/v1/decisions/explain",
        "NewExamples": "/v1/stores/a/examples?create=true",
        "AnnotatedText": "/v1/stores/a/corrections",
    }
    for name, path in takes.items():
        for example in schemas[name]["examples"]:
            assert client.post(path, json=example).status_code == 200, (name, example)
    assert set(document["paths"]) >= {"/v1/extract", "/v1/decisions/explain", "/v1/stores", "/healthz", "/metrics"}


def test_metrics_count_texts_tokens_and_routes(client: TestClient) -> None:
    client.post("/v1/extract", json=ASPIRIN)
    told = client.get("/metrics").text
    for line in (
        'ranit_requests_total{method="POST",route="/v1/extract",status="200"} 1.0',
        'ranit_decisions_total{route="none"} 1.0',
        'ranit_texts_total{outcome="extracted"} 1.0',
        "ranit_queue_texts 0.0",
        "ranit_batch_windows_count 1.0",
    ):
        assert line in told, line
    assert "Aspirin" not in told


def test_the_page_and_the_docs_need_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "http://" not in answer.text.replace("http://localhost", "").replace("http://www.w3.org", "")
        assert "https://" not in answer.text
        assert "<script>" not in answer.text


def test_info_says_whether_a_key_is_needed(serve: Any) -> None:
    assert serve().get("/v1/info").json()["key_needed"] is False
    assert serve(keys=Keys([("x" * 16, _key())])).get("/v1/info").json()["key_needed"] is True


def _key() -> Any:
    from ranit_rag.service.access import Key

    return Key("somebody")
