"""Stores over HTTP: read, write, import, export; and imports that were cut off."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from annotated import metformin
from fastapi.testclient import TestClient

from ranit_rag import Settings, open_stores
from ranit_rag.service.imports import Imports, Order, Staged

LINES = b"".join(json.dumps(metformin(word)).encode() + b"\n" for word in ("Metformin", "Insulin", "Codeine"))


def test_what_is_added_is_read_searched_and_deleted(client: TestClient) -> None:
    body = {"examples": [metformin("Metformin"), metformin("Insulin")]}
    assert client.post("/v1/stores/clinic/examples", json=body).status_code == 404
    report = client.post("/v1/stores/clinic/examples?create=true", json=body).json()
    assert (report["added"], report["unchanged"], len(report["ids"])) == (2, 0, 2)
    assert client.post("/v1/stores/clinic/examples", json=body).json()["unchanged"] == 2
    page = client.get("/v1/stores/clinic/examples", params={"limit": 1, "offset": 1}).json()
    assert (page["total"], page["offset"], len(page["examples"])) == (2, 1, 1)
    assert page["examples"][0]["id"] == report["ids"][1]
    found = client.get("/v1/stores/clinic/examples", params={"query": "INSULIN"}).json()
    assert [each["text"][:7] for each in found["examples"]] == ["Insulin"]
    assert client.delete(f"/v1/stores/clinic/examples/{report['ids'][0]}").json() == {"deleted": 1}
    assert client.delete(f"/v1/stores/clinic/examples/{report['ids'][0]}").status_code == 404
    assert client.get("/v1/stores/clinic").json()["size"] == 1
    assert client.delete("/v1/stores/clinic").json() == {"deleted": 1}
    assert client.get("/v1/stores").json() == {"stores": []}


def test_wrong_offsets_are_told(client: TestClient) -> None:
    wrong = {"text": "Metformin.", "entities": [{"start": 0, "end": 40, "label": "drug"}]}
    answer = client.post("/v1/stores/a/corrections?create=true", json=wrong)
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "DataError")
    assert client.get("/v1/stores").json() == {"stores": []}


def test_the_bundled_stores_stay_as_they_are(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "seeds-built").write_text("")
    client = serve(stores=None, settings=Settings(home=tmp_path, judge="never"))
    answer = client.post("/v1/stores/biomedicine/corrections?create=true", json=metformin())
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "ReadOnlyStore")


@pytest.mark.parametrize("form", [False, True])
def test_a_file_is_imported_and_exported(client: TestClient, form: bool) -> None:
    sent: dict[str, Any] = {"files": {"file": ("clinic.jsonl", LINES)}} if form else {"content": LINES}
    report = client.post("/v1/stores/clinic/import", **sent).json()
    assert (report["added"], report["problems"]) == (3, [])
    assert client.post("/v1/stores/clinic/import", **sent).json()["unchanged"] == 3
    exported = client.get("/v1/stores/clinic/export")
    assert [json.loads(line)["text"] for line in exported.text.splitlines()] == [
        json.loads(line)["text"] for line in LINES.splitlines()
    ]


def test_a_format_is_told_by_the_name_of_the_file(client: TestClient) -> None:
    conll = "Metformin B-drug\nlowers O\nsugar O\n\n"
    report = client.post("/v1/stores/clinic/import", files={"file": ("a.conll", conll)}).json()
    assert report["added"] == 1
    assert client.post("/v1/stores/clinic/import?format=conll", content=conll).json()["unchanged"] == 1


def test_broken_records_are_told_line_by_line_and_nothing_is_written(client: TestClient) -> None:
    broken = (
        LINES + b'{"text": "x", "entities": [{"start": 5, "end": 9, "label": "y"}]}\n' + LINES[: LINES.index(b"\n") + 1]
    )
    answer = client.post("/v1/stores/clinic/import", content=broken)
    assert answer.status_code == 422
    problems = answer.json()["error"]["problems"]
    assert [(problem["line"], problem["kind"]) for problem in problems] == [(4, "broken"), (5, "duplicate")]
    assert client.get("/v1/stores").json() == {"stores": []}
    report = client.post("/v1/stores/clinic/import?skip_broken=true", content=broken).json()
    assert (report["added"], report["broken"], report["duplicates"]) == (3, 1, 1)


def test_an_import_leaves_nothing_behind(client: TestClient, tmp_path: Path) -> None:
    client.post("/v1/stores/clinic/import", content=LINES)
    client.post("/v1/stores/clinic/import", content=b"{")
    client.post("/v1/stores/clinic/import", data={"a": "b"}, files={})
    assert list((tmp_path / "imports").iterdir()) == []


def killed_while_importing(folder: Path, *, begun: bool) -> None:
    """What a process leaves that dies in an import: with or without its note."""
    staged = Staged(folder / "1")
    staged.folder.mkdir()
    staged.file("").write_bytes(LINES)
    if begun:
        staged.begin(Order("clinic", "auto"), 3)


def test_an_import_that_was_cut_off_is_told_and_finished(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    killed_while_importing(tmp_path, begun=True)
    stores = open_stores(":memory:")
    with caplog.at_level(logging.WARNING):
        Imports(tmp_path).recover(stores)
    assert len(stores.open("clinic")) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "an import was not finished: it is being finished",
        "the import is finished",
    ]
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_was_cut_off_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    killed_while_importing(tmp_path, begun=False)
    stores = open_stores(":memory:")
    with caplog.at_level(logging.WARNING):
        Imports(tmp_path).recover(stores)
    assert stores.names() == []
    assert "before anything was written" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_goes_on_elsewhere_is_left_alone(tmp_path: Path) -> None:
    imports = Imports(tmp_path)
    with imports.staged() as place:
        place.file("").write_bytes(LINES)
        place.begin(Order("clinic", "auto"), 3)
        stores = open_stores(":memory:")
        other = threading.Thread(target=Imports(tmp_path).recover, args=(stores,))
        other.start()
        other.join()
        assert stores.names() == []
        assert place.note.exists()
