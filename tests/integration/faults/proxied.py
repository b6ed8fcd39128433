"""A corpus through a proxy that spoils requests, and what must hold of it whatever the fault and the server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from ranit_rag import Ranit, Settings
from ranit_rag.corpus import Policy, Prices, Record, Summary, extract_corpus
from ranit_rag.engines.openai import OpenAIEngine

from .fault_proxy import RETRY_AFTER

RATE, RETRIES, CONCURRENCY = 0.2, 2, 8
SCORE_NOISE = 0.05  # of a server that computes in bfloat16
PAUSE = 8.0  # the longest between two attempts that the server does not ask for
NAMES = ["Aspirin", "Ibuprofen", "Lisbon", "Ada Lovelace", "北京", "migraine"]
RETRIED = {"429", "500", "reset", "stall", "truncated", "drip"}


@contextmanager
def started(script: str, *arguments: str) -> Iterator[str]:
    """The URL of a script of this folder that serves on the port which it prints."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def run(url: str, output: Path, texts: int, timeout: float) -> Summary:
    engine = OpenAIEngine(
        "nano",
        base_url=url,
        retries=RETRIES,
        timeout=timeout,
        concurrency=CONCURRENCY,
        structured="none",
        profiles={"en": "nano-en.v1", "zh": "nano-zh.v1"},
    )
    settings = Settings(engine="openai", model="nano", base_url=url, concurrency=CONCURRENCY, max_output_tokens=24)
    records = [Record(f"On day {n} they spoke of {NAMES[n % len(NAMES)]}.", f"here:{n}") for n in range(texts)]
    ner = Ranit(engine, judge="never", settings=settings)
    options = {"types": {"drug": ""}, "policy": Policy(stop_after=0), "prices": Prices(prompt=1.0, output=4.0)}
    return extract_corpus(ner, records, output, **options)


def rows(output: Path, kind: str) -> dict[int, dict[str, Any]]:
    lines = (line for path in output.glob(f"{kind}-*.jsonl") for line in path.read_text().splitlines())
    return {row["index"]: row for row in map(json.loads, lines)}


def same(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> bool:
    """Whether they are the same entities. A server's scores depend a little on what it answers in the same batch."""
    return [{**entity, "score": pytest.approx(entity["score"], abs=SCORE_NOISE)} for entity in expected] == list(found)


def check(upstream: str, whole: Path, faults: Sequence[str], folder: Path, *, texts: int, timeout: float) -> None:
    """Run ``texts`` texts through the proxy; ``whole`` is the output of a run without it."""
    log = folder / "log.jsonl"
    with started("fault_proxy.py", upstream, ",".join(faults), str(RATE), "+".join(faults), str(log)) as url:
        begun = time.monotonic()
        summary = run(url, folder / "out", texts, timeout).to_dict()
        seconds = time.monotonic() - begun
    chats = sorted((json.loads(line) for line in log.open()), key=lambda chat: (chat["request"], chat["time"]))
    attempts = [list(group) for _, group in groupby(chats, key=lambda chat: chat["request"])]
    hit = sum(chat["fault"] is not None for chat in chats)
    assert hit > texts / 20, "next to nothing was spoilt"

    succeeded, failed = rows(folder / "out", "part"), rows(folder / "out", "failures")
    assert sorted([*succeeded, *failed]) == list(range(texts))
    undisturbed = rows(whole, "part")
    for index, row in succeeded.items():
        assert same(row["entities"], undisturbed[index]["entities"]), index
    assert all(row["error"]["message"] and row["error"]["hint"] and row["origin"] for row in failed.values())
    given_up = [tries for tries in attempts if tries[-1]["fault"] is not None]
    assert len(failed) == len(given_up), "who was answered in the end is no failure, and nobody else is a success"

    for tries in attempts:
        assert len(tries) <= RETRIES + 1
        assert all(one["fault"] in RETRIED for one in tries[:-1]), (
            "asked again though it was answered, or never will be"
        )
        for one, other in pairwise(tries):
            assert one["fault"] != "429" or other["time"] - one["time"] >= RETRY_AFTER
    longest = (RETRIES + 1) * timeout + RETRIES * PAUSE
    assert seconds < (texts / CONCURRENCY + 1) * longest

    usage = [chat["usage"] for chat in chats if chat["fault"] is None]
    read, written = (sum(each[name] for each in usage) for name in ("prompt_tokens", "completion_tokens"))
    tokens = summary["tokens"]
    assert (tokens["calls"], tokens["prompt_tokens"], tokens["output_tokens"]) == (len(usage), read, written)
    assert summary["cost"] == pytest.approx((read + 4 * written) / 1e6, abs=1e-6)
    print(
        f"{'+'.join(faults)}: {len(chats)} requests, {hit} spoilt, {len(succeeded)} rows, {len(failed)} failures, "
        f"{seconds:.0f} s"
    )
