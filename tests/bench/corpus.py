"""The corpus path: peak memory, and what everything but the engine costs a text.

``python -m tests.bench.corpus --texts 100000 --megabytes 50`` runs the scripted engine in a process of its own;
``--model`` runs the embedded model instead.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ranit_rag import Conversation, Ranit, Reply
from ranit_rag.corpus import Corpus, extract_corpus, find_files
from ranit_rag.engines.base import Engine
from ranit_rag.testing import ScriptedEngine

SENTENCE = "Aspirin eased her migraine on day {} of the trial in Lisbon. "


class Timed:
    """An engine with a clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.info = engine.info
        self.count_tokens = engine.count_tokens
        self.seconds = 0.0

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        started = time.perf_counter()
        replies = self._engine.generate(conversations, max_tokens=max_tokens)
        self.seconds += time.perf_counter() - started
        if isinstance(self._engine, ScriptedEngine):
            self._engine.conversations.clear()  # its memory of what was asked is not the corpus path's
        return replies

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return self.generate(conversations, max_tokens=max_tokens)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--texts", type=int, default=100_000)
    options.add_argument("--megabytes", type=int, default=50)
    options.add_argument("--model", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), given.texts, given.megabytes, model=given.model)


def measure(folder: Path, texts: int, megabytes: int, *, model: bool) -> None:
    source = folder / "in"
    source.mkdir()
    with (source / "a.jsonl").open("w") as lines:
        lines.writelines(json.dumps({"text": SENTENCE.format(n), "id": n}) + "\n" for n in range(texts))
    if model:
        from ranit_rag.engines.transformers import TransformersEngine

        engine = Timed(TransformersEngine())
    else:
        engine = Timed(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}, context=16_384))
    ner = Ranit(engine, judge="never")
    seconds = run(ner, source, folder / "short")
    print(f"{texts} texts: {seconds:.1f} s, of which the engine {engine.seconds:.1f} ({engine.seconds / seconds:.1%})")
    print(f"  everything else: {(seconds - engine.seconds) / texts * 1000:.2f} ms a text")
    print(f"  peak memory: {peak():.0f} MB")
    if megabytes:
        long = folder / "long"
        long.mkdir()
        text = "".join(SENTENCE.format(n) for n in range(megabytes * 1_000_000 // len(SENTENCE)))
        (long / "b.txt").write_text(text)
        del text
        print(f"one text of {megabytes} MB: {run(ner, long, folder / 'large'):.1f} s, peak memory {peak():.0f} MB")
        print(f"begun again, it is there: {run(ner, long, folder / 'large'):.1f} s, peak memory {peak():.0f} MB")


def run(ner: Ranit, source: Path, output: Path) -> float:
    """Seconds of a run; every record has to succeed."""
    started = time.perf_counter()
    summary = extract_corpus(ner, Corpus(find_files([source]).files), output, types={"drug": ""})
    if summary.failed or not summary.tally.entities["drug"]:
        raise SystemExit(f"the run went wrong: {summary.to_dict()}")
    return time.perf_counter() - started


def peak() -> float:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
