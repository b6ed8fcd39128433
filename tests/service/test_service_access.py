"""Who may do what: keys, stores of their own, pages of other hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotated import metformin
from fastapi.testclient import TestClient

from ranit_rag.errors import ConfigError
from ranit_rag.service.access import read_keys

KEYS = """
[all]
secret = "all-all-all-all-all"
[reader]
secret = "reader-reader-reader"
access = "read"
[clinic]
secret = "clinic-clinic-clinic"
stores = ["clinic", "lab"]
"""
ALL, READER, CLINIC = (
    {"Authorization": f"Bearer {secret}"}
    for secret in ("all-all-all-all-all", "reader-reader-reader", "clinic-clinic-clinic")
)


@pytest.fixture
def guarded(serve: Any, tmp_path: Path) -> TestClient:
    path = tmp_path / "keys.toml"
    path.write_text(KEYS)
    client: TestClient = serve(keys=read_keys(path, "env:env-env-env-env-env:read"))
    client.post("/v1/stores/secret/examples?create=true", json={"examples": [metformin()]}, headers=ALL)
    return client


@pytest.mark.parametrize("header", [None, "Bearer nobody", "Bearer", "Basic YWxs", "all-all-all-all-all", "Bearer é"])
def test_an_unknown_key_is_401(guarded: TestClient, header: str | None) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    for method, path in (
        ("GET", "/v1/stores"),
        ("POST", "/v1/extract"),
        ("GET", "/metrics"),
        ("DELETE", "/v1/stores/x"),
    ):
        answer = guarded.request(
            method, path, headers=headers, json={"text": "a", "types": ["b"]} if method == "POST" else None
        )
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["type"] == "UnknownKey"


def test_health_and_the_page_need_no_key(guarded: TestClient) -> None:
    for path in ("/healthz", "/readyz", "/v1/info", "/", "/docs", "/openapi.json"):
        assert guarded.get(path).status_code == 200


def test_a_reader_writes_nothing(guarded: TestClient) -> None:
    assert guarded.get("/v1/stores/secret", headers=READER).json()["readonly"] is True
    for answer in (
        guarded.post("/v1/stores/secret/examples", json={"examples": [metformin("Insulin")]}, headers=READER),
        guarded.post("/v1/stores/secret/import", content=b"{}", headers=READER),
        guarded.delete("/v1/stores/secret", headers=READER),
    ):
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "ReadOnlyKey")
    assert guarded.get("/v1/stores/secret", headers={"Authorization": "Bearer env-env-env-env-env"}).json()["size"] == 1


def test_anothers_store_is_neither_seen_nor_touched(guarded: TestClient) -> None:
    assert guarded.get("/v1/stores", headers=CLINIC).json() == {"stores": []}
    example = guarded.get("/v1/stores/secret/examples", headers=ALL).json()["examples"][0]["id"]
    for method, path, body in (
        ("GET", "/v1/stores/secret", None),
        ("GET", "/v1/stores/secret/examples", None),
        ("GET", "/v1/stores/secret/export", None),
        ("DELETE", "/v1/stores/secret", None),
        ("DELETE", f"/v1/stores/secret/examples/{example}", None),
        ("POST", "/v1/stores/secret/corrections", metformin("Insulin")),
        ("POST", "/v1/extract", {"text": "Aspirin", "types": ["drug"], "domain": "secret"}),
    ):
        answer = guarded.request(method, path, json=body, headers=CLINIC)
        assert answer.status_code == 404, (method, path)
        assert "secret" not in answer.json()["error"]["hint"]
    for path in ("/v1/stores/secret/corrections?create=true", "/v1/stores/new/corrections?create=true"):
        assert guarded.post(path, json=metformin("Insulin"), headers=CLINIC).status_code == 403
    answer = guarded.post("/v1/stores/secret/import", content=b'{"text": "a"}', headers=CLINIC)
    assert answer.status_code == 403
    assert guarded.get("/v1/stores/secret", headers=ALL).json()["size"] == 1
    assert guarded.get("/v1/types?text=Metformin", headers=CLINIC).json()["frequent"] == []


def test_examples_of_anothers_store_are_never_shown(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(KEYS)
    client = serve(keys=read_keys(tmp_path / "keys.toml", ""), judge="always")
    client.post("/v1/stores/secret/corrections?create=true", json=metformin(), headers=ALL)
    client.post("/v1/stores/lab/corrections?create=true", json=metformin("Insulin"), headers=CLINIC)
    asked = {"text": "Codeine lowers it.", "types": ["drug"]}
    shown = client.post("/v1/extract", json=asked, headers=CLINIC).json()["decisions"][0]["examples"]
    assert [each["text"][:7] for each in shown] == ["Insulin"]


def test_a_page_of_another_host_cannot_write(client: TestClient) -> None:
    body = b'{"text": "Aspirin", "entities": []}'
    for origin, status in (("https://evil.example", 403), ("null", 403), ("http://[", 403), ("http://testserver", 200)):
        answer = client.post(
            "/v1/stores/mine/import", content=body, headers={"Origin": origin, "Content-Type": "text/plain"}
        )
        assert answer.status_code == status, origin


def test_a_page_whose_host_leads_here_reads_nothing(serve: Any) -> None:
    client = serve(hosts=("localhost", "127.0.0.1", "::1", "testserver"))
    for host in ("evil.example", "evil.example:8080", "", "["):
        assert client.get("/v1/stores", headers={"Host": host}).json()["error"]["type"] == "ForeignHost"
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert client.get("/v1/stores", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("file", "variable", "told"),
    [
        ("[a]\nsecret = 'short'", "", "has 5 characters"),
        ("[a]\naccess = 'read'", "", "has no secret"),
        ("[a]\nsecret = '0123456789abcdef'\naccess = 'all'", "", "access is read or write"),
        ("[a]\nsecret = '0123456789abcdef'\nstore = 'x'", "", "has 'store'"),
        ("[a]\nsecret = '0123456789abcdef'\nstores = 'x'", "", "not a list"),
        ("a = ", "", "not a TOML file"),
        ("", "a", "entry 1 is not a key"),
        ("", "a:0123456789abcdef,b:0123456789abcdef", "the secret of another"),
    ],
)
def test_wrong_keys_are_told_without_their_secrets(tmp_path: Path, file: str, variable: str, told: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(file)
    with pytest.raises(ConfigError) as raised:
        read_keys(path, variable)
    assert told in f"{raised.value} {raised.value.hint}"
    assert "0123456789abcdef" not in f"{raised.value} {raised.value.hint}"
