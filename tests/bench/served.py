"""A corpus through an OpenAI-compatible server, against a bare client that sends like prompts in the same run.

``python -m tests.bench.served --texts 10000`` starts ``vllm serve`` with the embedded model, in an environment that has
vLLM; ``--base-url`` and ``--model`` name a server that runs already. Both arms keep as many requests open and take
turns in chunks of texts, so that what else the machine does falls on both. No text is asked twice: the chunks differ in
a number, so that the server's cache of prompts helps neither.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ranit_rag import Ranit, Settings
from ranit_rag.corpus import Record, extract_corpus
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.openai import OpenAIEngine

NAMES = ["Ada Lovelace", "Marie Curie", "Alan Turing", "Grace Hopper", "Bob Lee"]
SENTENCE = "Patient {} was seen by {} in Lisbon and went home with aspirin."
TYPES = {"person": ""}
MODEL, CONTEXT, TOKENS = "nano", 512, 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--texts", type=int, default=10_000)
    options.add_argument("--chunk", type=int, default=500, help="texts of an arm before the other one's turn")
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--base-url")
    options.add_argument("--model", default=MODEL)
    given = options.parse_args()
    if given.base_url is None:
        with started(given.concurrency) as url:
            measure(url, MODEL, given.texts, given.chunk, given.concurrency)
    else:
        measure(given.base_url, given.model, given.texts, given.chunk, given.concurrency)


def measure(url: str, model: str, texts: int, chunk: int, concurrency: int) -> None:
    settings = Settings(
        engine="openai", model=model, base_url=url, concurrency=concurrency, max_output_tokens=TOKENS, timeout=600.0
    )
    engine = OpenAIEngine(model, base_url=url, concurrency=concurrency, timeout=600.0, structured="none")
    ner = Ranit(engine, judge="never", settings=settings)
    own(ner, chunk_of(0, 2 * concurrency))  # both arms and the server get warm
    asyncio.run(bare(url, prompts(ner, model, chunk_of(1, 2 * concurrency)), concurrency))
    rates: dict[str, list[float]] = {"ranit": [], "bare": []}
    for turn in range(-(-texts // chunk)):
        first, second = 2 * turn + 2, 2 * turn + 3
        for arm in ("ranit", "bare") if turn % 2 else ("bare", "ranit"):
            lines = chunk_of(first if arm == "ranit" else second, chunk)
            seconds = own(ner, lines) if arm == "ranit" else timed(url, prompts(ner, model, lines), concurrency)
            rates[arm].append(chunk / seconds)
        print(
            f"{(turn + 1) * chunk} texts: " + ", ".join(f"{arm} {r[-1]:.1f}/s" for arm, r in rates.items()), flush=True
        )
    whole = {arm: len(each) / sum(1 / rate for rate in each) for arm, each in rates.items()}
    pairs = [one / other for one, other in zip(rates["ranit"], rates["bare"], strict=True)]
    spread = f"{min(pairs):.1%} to {max(pairs):.1%}, median {statistics.median(pairs):.1%}"
    print(
        f"{len(pairs) * chunk} texts each, {concurrency} at once: "
        + ", ".join(f"{a} {r:.2f}/s" for a, r in whole.items())
    )
    print(f"ranit ÷ bare: {whole['ranit'] / whole['bare']:.1%} (chunks: {spread})")


def chunk_of(number: int, texts: int) -> list[str]:
    first = number * texts
    return [SENTENCE.format(first + n, NAMES[n % len(NAMES)]) for n in range(texts)]


def own(ner: Ranit, texts: Sequence[str]) -> float:
    """Seconds of a corpus run, its files and journal included; every text has to succeed."""
    with tempfile.TemporaryDirectory() as folder:
        started_at = time.perf_counter()
        summary = extract_corpus(ner, [Record(text) for text in texts], Path(folder) / "out", types=TYPES)
        seconds = time.perf_counter() - started_at
    if summary.failed or summary.tally.tokens["calls"] != len(texts):
        raise SystemExit(f"the run went wrong: {summary.to_dict()}")
    return seconds


def prompts(ner: Ranit, model: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The bodies of the requests that ``own`` sends about these texts."""
    engine: Any = ner.engine
    served, dialect = engine._known(), engine._dialect
    plans = [plan for text in texts for plan in ner.conversations(text, TYPES)]
    return [
        dialect.body(model, plan.conversation, query, TOKENS, served.vocabulary)
        for plan in plans
        for query in plan.conversation.queries
    ]


def timed(url: str, bodies: Sequence[dict[str, Any]], concurrency: int) -> float:
    started_at = time.perf_counter()
    asyncio.run(bare(url, bodies, concurrency))
    return time.perf_counter() - started_at


async def bare(url: str, bodies: Sequence[dict[str, Any]], concurrency: int) -> None:
    """Nothing but requests: ``concurrency`` workers, one connection each, the answers parsed and thrown away."""
    left = iter(bodies)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(timeout=600.0, limits=limits) as client:

        async def work() -> None:
            for body in left:
                response = await client.post(f"{url}/chat/completions", json=body)
                response.raise_for_status()
                response.json()

        await asyncio.gather(*(work() for _ in range(concurrency)))


@contextmanager
def started(sequences: int) -> Iterator[str]:
    """The URL of a ``vllm serve`` with the embedded model."""
    port = 18_765
    environment = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    flags = {"served-model-name": MODEL, "port": port, "max-model-len": CONTEXT, "max-num-seqs": sequences}
    command = [str(Path(sys.executable).parent / "vllm"), "serve", str(embedded_model()), "--enforce-eager"]
    command += ["--disable-uvicorn-access-log", *(f"--{name}={value}" for name, value in flags.items())]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | environment)
        try:
            while not healthy(port):
                if server.poll() is not None:
                    log.seek(0)
                    raise SystemExit(log.read()[-3000:].decode(errors="replace"))
                time.sleep(1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(60)


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5) as response:
            return bool(json.load(response)["data"])
    except OSError:
        return False


if __name__ == "__main__":
    main()
