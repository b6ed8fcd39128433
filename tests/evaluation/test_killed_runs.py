"""A run that is killed goes on: the same report, and nothing that was answered is asked again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines.faulty_server import Fault, FaultyServer

from ranit_rag.evaluation.runner import TEXTS_AT_ONCE
from ranit_rag.stores.seeds import seed_examples

TESTS = Path(__file__).parents[1]


def start(*command: str, home: Path) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RANIT_")}
    environment = {**kept, "RANIT_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)}
    return subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> None:
    assert process.wait(timeout=120) == 0


def without_timings(report: Path) -> dict[str, Any]:
    return {**json.loads(report.read_text()), "timings": None}


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_run_in_process_that_is_killed_again_and_again(tmp_path: Path) -> None:
    script = str(TESTS / "evaluation" / "scripted_run.py")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    finish(start(script, str(whole), home=tmp_path))
    rng = random.Random(0)
    kills = 0
    for _ in range(3):
        before = len(lines(killed / "asked.jsonl"))
        process = start(script, str(killed), home=tmp_path)
        deadline = time.monotonic() + 60
        while len(lines(killed / "asked.jsonl")) == before and process.poll() is None:
            assert time.monotonic() < deadline, "nothing was asked"
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    finish(start(script, str(killed), home=tmp_path))
    assert kills >= 2
    assert without_timings(killed / "report.json") == without_timings(whole / "report.json")
    assert (killed / "texts.jsonl").read_bytes() == (whole / "texts.jsonl").read_bytes()
    asked, once = Counter(lines(killed / "asked.jsonl")), Counter(lines(whole / "asked.jsonl"))
    assert set(once.values()) == {1}
    assert set(asked) == set(once)
    assert asked.total() - once.total() <= kills * TEXTS_AT_ONCE, "only what was under way may be asked again"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    def answer(request: dict[str, Any]) -> str:
        text = json.dumps(request["messages"], ensure_ascii=False)
        return json.dumps([word for word in ("Lisbon", "Nairobi", "Monday") if word in text])

    with FaultyServer(answer, fault=lambda _: Fault("slow", seconds=0.1)) as server:
        yield server


def test_a_run_on_a_server_asks_again_only_what_was_under_way(tmp_path: Path, server: FaultyServer) -> None:
    data = tmp_path / "news.jsonl"
    data.write_text("".join(json.dumps(example.to_dict()) + "\n" for example in seed_examples("news")[:30]))
    command = ["-m", "ranit_rag", "eval", "run", str(data), "--judge", "never", "-t", "person,location", "-q"]
    command += ["--engine", "openai", "--base-url", server.url, "--model", "nano", "--profile", "uniner.v1"]

    finish(start(*command, "-o", str(tmp_path / "whole"), home=tmp_path / "one"))
    once = Counter(json.dumps(request) for request in server.log)
    assert set(once.values()) == {1}
    assert server.most_at_once > 4, "a server is asked for many texts at once"
    server.log.clear()

    process = start(*command, "-o", str(tmp_path / "killed"), home=tmp_path / "two")
    deadline = time.monotonic() + 60
    while len(server.log) < 30:
        assert time.monotonic() < deadline, "nothing was asked"
        time.sleep(0.01)
    process.kill()
    process.wait()
    answered = len(server.log)
    finish(start(*command, "-o", str(tmp_path / "killed"), home=tmp_path / "two"))
    asked = Counter(json.dumps(request) for request in server.log)
    assert set(asked) == set(once)
    # 16 requests may be open, each of them half of a text's two.
    assert asked.total() - once.total() <= 32
    assert answered < once.total(), "the kill came too late to show anything"
    report = "report.json"
    assert without_timings(tmp_path / "killed" / report) == without_timings(tmp_path / "whole" / report)
    for name in ("texts.jsonl", "report.html", "report.md"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
