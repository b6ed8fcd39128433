"""The service under load: errors, latency against the bound of its queue, and batching against one text at a time.

``python -m tests.bench.service [--clients 64] [--seconds 60] [--rounds 3]`` prints a Markdown report. Two servers run
as processes over the embedded model, one that batches and one with ``--batch 1``. Only one of them is asked at a time,
and they take turns. Each client asks for its next text when it has the last answer, and waits as told after a 429.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ranit_rag.retrieval.background import general_texts
from ranit_rag.stores.seeds import seed_examples

DOMAINS = ("news", "biomedicine", "finance", "law", "technology", "science", "culture")
Body = dict[str, Any]


def short_texts() -> list[Body]:
    """Sentences as people write them in a form or a chat, with two or three types: no store is theirs."""
    return [{"text": item.text, "types": list(item.types)} for item in general_texts("en")]


def domain_texts() -> list[Body]:
    """Sentences of the seed stores, with three types: two examples of their own domain are shown."""
    bodies = []
    for row, domain in itertools.product(range(24), DOMAINS):
        examples = seed_examples(domain)
        labels = dict.fromkeys(label for example in examples for label in example.labels)
        bodies.append({"text": examples[row].text, "types": list(labels)[:3]})
    return bodies


WORKLOADS = {"short": short_texts, "domain": domain_texts}


@dataclass(slots=True)
class Run:
    """One turn of an arm. ``found`` has the entities of every text that was answered."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    found: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    windows: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def latency(self, percent: int) -> float:
        return statistics.quantiles(self.latencies, n=100)[percent - 1]


class Server:
    """``ranit serve`` as a process."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [sys.executable, "-m", "ranit_rag", "serve", "--port", "0", "--deadline", "600", *options]
        self._process = subprocess.Popen(
            command, env={**os.environ, "RANIT_HOME": str(home)}, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        line = next(line for line in self._process.stderr if line.startswith("listening at "))
        self.url = line.removeprefix("listening at ").strip()
        # What it logs is not read: a full pipe would stop it.
        self._reader = subprocess.Popen(["cat"], stdin=self._process.stderr, stdout=subprocess.DEVNULL)
        while self._get("/readyz").status_code != 200:
            time.sleep(0.2)

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60)

    def batches(self) -> tuple[float, float]:
        """How many windows the engine was asked about, in how many batches."""
        told = self._get("/metrics").text
        windows, count = (re.search(rf"^ranit_batch_windows_{name} (\S+)", told, re.M) for name in ("sum", "count"))
        return (float(windows[1]), float(count[1])) if windows and count else (0.0, 0.0)

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> int:
        self._process.terminate()
        code = self._process.wait(120)
        self._reader.wait(10)
        return code


async def client(session: httpx.AsyncClient, bodies: Iterator[Body], until: float, run: Run) -> None:
    while time.perf_counter() < until:
        body = next(bodies)
        started = time.perf_counter()
        answer = await session.post("/v1/extract", json=body)
        run.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            run.latencies.append(time.perf_counter() - started)
            entities = answer.json()["entities"]
            run.found[body["text"]] = tuple((e["start"], e["end"], e["label"]) for e in entities)
        elif answer.status_code == 429:
            await asyncio.sleep(float(answer.headers["retry-after"]))


async def load(server: Server, bodies: Sequence[Body], clients: int, seconds: float) -> Run:
    """Ask for ``seconds``, and wait for the answers that are then outstanding."""
    turning = itertools.cycle(bodies)
    windows, batches = server.batches()
    started = time.perf_counter()
    run = Run(seconds)
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=server.url, timeout=600, limits=limits) as session:
        await asyncio.gather(*(client(session, turning, started + seconds, run) for _ in range(clients)))
    run.seconds = time.perf_counter() - started
    more_windows, more_batches = server.batches()
    run.windows = (more_windows - windows) / max(more_batches - batches, 1)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each arm, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queue", type=int, default=48, help="texts in hand from which on more are refused")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--dtype", default="float32", help="bfloat16 is several times faster on a CPU with AMX")
    parser.add_argument("--home", type=Path, help="a folder to keep the seed stores in; by default they are built anew")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    options = parser.parse_args()
    print("## Service\n\n`python -m tests.bench.service`\n")
    print(
        f"{options.clients} clients, {options.seconds:g} s for each arm in {options.rounds} turns, a queue of "
        f"{options.queue} texts; embedded model, {options.dtype}, {platform.machine()}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}, Python {platform.python_version()}; "
        "the clients run on the same machine.\n"
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = options.home or Path(folder)
        shared = ("--queue", str(options.queue), "--dtype", options.dtype)
        arms = {
            f"batches of up to {options.batch}": Server(home, "--batch", str(options.batch), *shared),
            "one by one": Server(home, "--batch", "1", "--batch-wait", "0", *shared),
        }
        for server in arms.values():
            stack.callback(server.kill)
        for name in options.workloads:
            bodies = WORKLOADS[name]()
            for server in arms.values():
                asyncio.run(load(server, bodies, 4, 2.0))  # the first texts load what is loaded late
            runs: dict[str, list[Run]] = {arm: [] for arm in arms}
            for _ in range(options.rounds):
                for arm, server in arms.items():
                    seconds = options.seconds / options.rounds
                    runs[arm].append(asyncio.run(load(server, bodies, options.clients, seconds)))
            report(name, runs, options.queue)
        print("Exit codes after SIGTERM:", ", ".join(str(server.stop()) for server in arms.values()))


def report(workload: str, runs: dict[str, list[Run]], queue: int) -> None:
    """Print rates with their spread, latencies with the bound, statuses, and whether the arms agree.

    A text that is let in finds at most ``queue`` texts in hand, itself included, so it waits no longer than the engine
    takes for as many: the bound is ``queue`` ÷ the rate of the slowest turn, and a batch more, which it may just miss.
    """
    print(f"### Workload “{workload}”: {(WORKLOADS[workload].__doc__ or '').strip()}\n")
    print("| arm | texts/s, median | min | max | windows in a batch | p50, s | p99, s | bound, s | answers by status |")
    print("|---|---|---|---|---|---|---|---|---|")
    for arm, turns in runs.items():
        rates = sorted(run.rate for run in turns)
        batch = statistics.mean(run.windows for run in turns)
        p50, p99 = (max(run.latency(percent) for run in turns) for percent in (50, 99))
        statuses = sum((run.statuses for run in turns), Counter[int]())
        told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(
            f"| {arm} | {statistics.median(rates):.1f} | {rates[0]:.1f} | {rates[-1]:.1f} | {batch:.1f} | {p50:.2f} | "
            f"{p99:.2f} | {(queue + batch) / rates[0]:.2f} | {told} |"
        )
    batched, alone = runs.values()
    ratio = statistics.median(run.rate for run in batched) / statistics.median(run.rate for run in alone)
    first, second = ({text: found for run in arm for text, found in run.found.items()} for arm in (batched, alone))
    both = first.keys() & second.keys()
    equal = sum(first[text] == second[text] for text in both)
    others = sum(
        count for arm in runs.values() for run in arm for s, count in run.statuses.items() if s not in (200, 429)
    )
    print(
        f"\nBatching ÷ one by one: **{ratio:.2f} ×** the texts/s. Other answers than 200 and 429: **{others}**. "
        f"Texts with the same entities in both arms: {equal} of {len(both)}.\n"
    )


if __name__ == "__main__":
    main()
