"""Whatever the OpenAPI document allows, and what it does not, is answered as it says, and never with 5xx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from served_process import Server

# A body that breaks a bound of the schema may be longer than the server reads at all: 413.
CONFIGURATION = """\
request-timeout = 60
[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_headers_conformance.enabled = true
response_schema_conformance.enabled = true
unsupported_method.enabled = true
negative_data_rejection = { enabled = true, expected-statuses = [400, 404, 405, 413, 422] }
"""


@pytest.mark.timeout(300)
def test_answers_are_what_the_document_says(server: Server, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"]
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with server.client() as client:  # loads the embedding model, and gives the stateful tests something to find
        client.post("/v1/stores/0/corrections?create=true", json={"text": "Kept.", "entities": []}).raise_for_status()
    done = subprocess.run(
        [*command, "--max-examples", "10", "--seed", "1", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, timeout=290,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert not [line for line in server.log if line["level"] == "error" and line["logger"].startswith("ranit_rag")]
