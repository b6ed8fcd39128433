"""A corpus on a server that fails one request in five: every record ends as a row or as a failure with its reason."""

from __future__ import annotations

import json
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from engines.faulty_server import Fault, FaultyServer

from ranit_rag import Ranit, Settings
from ranit_rag.corpus import Policy, Prices, Record, extract_corpus
from ranit_rag.engines.openai import OpenAIEngine

TEXTS, RETRIES, TIMEOUT = 60, 2, 1.0
FAULTS = {
    "429": Fault("status", status=429, retry_after=1),
    "500": Fault("status", status=500),
    "reset": Fault("cut_headers"),
    "stall": Fault("hang"),
    "truncated": Fault("cut_body"),
    "malformed": Fault("not_json"),
    "web page": Fault("web_page"),
    "wrong schema": Fault("wrong_schema"),
    "no choices": Fault("empty_choices"),
    "slow": Fault("slow", seconds=0.5),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FAULTS)
def test_one_request_in_five(name: str, tmp_path: Path) -> None:
    fault, rng = FAULTS[name], random.Random(name)
    served: list[str] = []
    arrivals: dict[str, list[tuple[float, bool]]] = {}

    def chosen(request: dict[str, Any]) -> Fault | None:
        hit = rng.random() < 0.2
        text = json.dumps(request["messages"])
        arrivals.setdefault(text, []).append((time.monotonic(), hit))
        if not hit or fault.kind == "slow":
            served.append(text)
        return fault if hit else None

    with FaultyServer(lambda _: '["Aspirin"]', fault=chosen) as server:
        engine = OpenAIEngine("nano", base_url=server.url, retries=RETRIES, timeout=TIMEOUT, structured="none")
        ner = Ranit(engine, judge="never", settings=Settings(engine="openai", model="nano", base_url=server.url))
        records = [Record(f"Aspirin {number}", f"here:{number}") for number in range(TEXTS)]
        started = time.monotonic()
        summary = extract_corpus(
            ner, records, tmp_path / "out", types={"drug": ""}, policy=Policy(stop_after=0), prices=Prices(1.0, 1.0)
        )
        seconds = time.monotonic() - started
    rows = [json.loads(line) for line in (tmp_path / "out" / "part-00000.jsonl").read_text().splitlines()]
    failures = tmp_path / "out" / "failures-00000.jsonl"
    failed = [json.loads(line) for line in failures.read_text().splitlines()] if failures.exists() else []
    assert sorted(row["index"] for row in rows + failed) == list(range(TEXTS))
    assert all(row["entities"] for row in rows)
    assert all(row["error"]["message"] and row["error"]["hint"] and row["origin"] for row in failed)
    # Retries are bounded, in number and in time: 24 texts are under way at once.
    assert max(map(len, arrivals.values())) <= RETRIES + 1
    assert seconds < TEXTS / 24 * (RETRIES + 1) * (TIMEOUT + 8)
    for times in arrivals.values():
        for (before, hit), (after, _) in pairwise(times):
            assert hit, "what was answered is not asked again"
            assert after - before >= (fault.retry_after or 0)
    answers = len(served)  # the server says that each read 40 tokens and wrote 5
    told = summary.to_dict()
    assert (told["tokens"]["calls"], told["tokens"]["prompt_tokens"]) == (answers, answers * 40)
    assert told["cost"] == pytest.approx(answers * 45 / 1e6)
