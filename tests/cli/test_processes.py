"""``ranit`` as a process of its own, with a server or the embedded model: pipes, signals, faults of the network."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines.faulty_server import Fault, FaultyServer

RANIT = [sys.executable, "-m", "ranit_rag"]


def _answer(request: dict[str, Any]) -> str:
    return '["Aspirin"]' if "Aspirin" in json.dumps(request["messages"]) else "[]"


def _fault(request: dict[str, Any]) -> Fault | None:
    said = json.dumps(request["messages"])
    faults = {
        "slow": Fault("slow", seconds=2),
        "hang": Fault("hang"),
        "broken": Fault("status"),
        "cut": Fault("cut_body"),
    }
    return next((fault for word, fault in faults.items() if word in said), None)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Finds the drug Aspirin, with the fault that a text names."""
    with FaultyServer(_answer, _fault) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RANIT_", "OPENAI_"))}
    return {
        **kept,
        "RANIT_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": "1",
        "RANIT_PROFILE": "uniner.v1",
        "RANIT_JUDGE": "never",
    }


def _served(server: FaultyServer, *arguments: str) -> list[str]:
    return [
        *RANIT,
        "extract",
        "-t",
        "drug",
        "--engine",
        "openai",
        "--model",
        "nano",
        "--base-url",
        server.url,
        *arguments,
    ]


# More texts than the pipeline hands to its engine at once, so that what follows them is another batch.
BATCH = ["Aspirin"] * 40


def _lines(*texts: str) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def _run(command: list[str], environment: dict[str, str], input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, input=input, capture_output=True, text=True, timeout=120)


def test_faults_of_a_server_fail_their_record_alone(server: FaultyServer, environment: dict[str, str]) -> None:
    done = _run(_served(server), environment, _lines("Aspirin", "broken", "cut", "Aspirin again"))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [("error" in row) for row in rows] == [False, True, True, False], done.stderr
    assert rows[3]["entities"][0]["text"] == "Aspirin"
    assert done.returncode == 1
    assert done.stderr.endswith("2 of 4 records failed\n")
    assert "Traceback" not in done.stderr


def test_a_server_that_hangs(server: FaultyServer, environment: dict[str, str]) -> None:
    done = _run(_served(server, "hang"), {**environment, "RANIT_TIMEOUT": "0.3"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_results_are_written_while_others_are_awaited(server: FaultyServer, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        _served(server), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_lines(*BATCH, "slow"))
        process.stdin.close()
        assert json.loads(process.stdout.readline())["entities"]
        assert process.poll() is None
        assert json.loads(process.stdout.readlines()[-1])["text"] == "slow"


@pytest.mark.skipif(sys.platform == "win32", reason="sends an interrupt")
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_an_interrupt_leaves_valid_results(
    server: FaultyServer, environment: dict[str, str], form: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command = _served(server, "--format", form, "-o", str(output))
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(_lines(*BATCH, "hang"))
        process.stdin.close()
        process.stdin = None
        while not output.is_file() or not output.stat().st_size:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "interrupted\n"
    written = output.read_text(encoding="utf-8")
    rows = json.loads(written) if form == "json" else [json.loads(line) for line in written.splitlines()]
    assert all(row["entities"] for row in rows)
    assert rows


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise")
def test_a_reader_that_leaves_is_no_error(server: FaultyServer, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        _served(server),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(_lines(*BATCH, "slow"))
        process.stdin.close()
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--engine", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"), "127.0.0.1:9"),
        (("--engine", "openai", "--model", "m", "--base-url", "localhost"), "localhost"),
        (("--model", "./no/such/model"), "no/such/model"),
        (("--model", "nobody/nothing"), "nobody/nothing"),
        (("--profile", "unheard.v1"), "unheard.v1"),
        (("--adapter", "./no/such/adapter"), "no/such/adapter"),
    ],
)
def test_what_cannot_start_says_so_once(arguments: tuple[str, ...], named: str, environment: dict[str, str]) -> None:
    del environment["RANIT_PROFILE"]
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9"  # a hub that cannot be reached
    done = _run([*RANIT, "extract", "Aspirin", "-t", "drug", *arguments], environment)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: "), done.stderr
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr
    debugged = _run([*RANIT, "extract", "Aspirin", "-t", "drug", "--debug", *arguments], environment)
    assert "Traceback" in debugged.stderr
    assert debugged.returncode == done.returncode


def test_the_embedded_model_answers_in_both_languages(environment: dict[str, str]) -> None:
    del environment["RANIT_PROFILE"]
    texts = _lines("Marie Curie was born in Warsaw.", "任正非在深圳发表讲话。")
    done = _run([*RANIT, "extract", "-t", "person,location", "-"], environment, texts)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["language"] for row in rows] == ["en", "zh"]
    assert "Marie Curie" in {entity["text"] for entity in rows[0]["entities"]}
    for row in rows:
        assert all(row["text"][e["start"] : e["end"]] == e["text"] for e in row["entities"])


def test_the_demo_shows_entities_in_both_languages_and_every_route(environment: dict[str, str]) -> None:
    del environment["RANIT_PROFILE"]
    done = _run([*RANIT, "demo"], environment)
    assert (done.returncode, done.stderr) == (0, "")
    for entity in ("Metformin", "Adele", "Marie Curie", "腾讯公司"):
        assert re.search(rf"^ {entity} ", done.stdout, re.MULTILINE)
    for route in ("in_domain", "out_domain", "none"):
        assert re.search(rf"^{route}: .*\n  because  ", done.stdout, re.MULTILINE)
    assert "ranit extract" in done.stdout
