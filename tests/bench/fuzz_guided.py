"""Inputs that a fuzzer finds by what they reach in the code: ``python -m tests.bench.fuzz_guided --minutes 15``.

Each target runs in a process of its own under atheris (libFuzzer), with an equal share of the time. A crash, a broken
promise, a second of computing and 2 GB of memory end the run with the input, which lies in the folder ``--found``.
``--targets`` names some of the targets; ``--replay FILE`` runs the only target on one input.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ranit_rag.corpus", "ranit_rag.prompts", "ranit_rag.stores.formats"]):
    from ranit_rag.corpus.streams import stream_records
    from ranit_rag.corpus.tables import csv_records
    from ranit_rag.errors import DataError
    from ranit_rag.prompts.answers import parse_answer
    from ranit_rag.stores.formats import FORMATS, read_examples

from tests.bench.fuzz import PIECES, SEEDS

LONGEST, SLOWEST, MEGABYTES = 65_536, 1.0, 2048
TYPES = [("drug",), ("drug", "地名"), ()]
SCRATCH = Path(tempfile.gettempdir()) / "ranit-fuzz-examples"
READ_AS_TEXT = [form for form in FORMATS if form not in ("spacy", "huggingface")]  # those are read by their libraries
EXAMPLES = [
    '{"text": "Bob of 北京", "entities": [{"start": 0, "end": 3, "label": "person"}]}',
    "Bob B-PER\nof O\nRome B-LOC\n\n北 B-LOC\n京 I-LOC\n",
    '[{"conversations": [{"from": "human", "value": "Text: Bob"}, {"from": "gpt", "value": "[\\"Bob\\"]"}]}]',
    '[{"data": {"text": "Bob"}, "annotations": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["x"]}}]}]}]',
]


def answers(data: bytes) -> None:
    choice, text = data[0], data[1:].decode("utf-8", "surrogateescape")
    types = TYPES[choice % 3]
    parsed = parse_answer(text, types=types, form="object" if choice & 4 else "list", truncated=bool(choice & 8))
    assert all(mention.label in types and mention.end <= len(text) for mention in parsed.mentions)


def json_lines(data: bytes) -> None:
    list(stream_records(data[1:].splitlines(keepends=True), "jsonl", "fuzz"))


def csv(data: bytes) -> None:
    try:
        list(csv_records(io.BytesIO(data[1:]), "fuzz", "text", tabs=bool(data[0] & 1)))
    except DataError:  # a table without a column "text"
        return


def examples(data: bytes) -> None:
    """A broken record comes in its place; only a file that is broken as a whole may raise."""
    SCRATCH.write_bytes(data[1:])
    try:
        list(read_examples(SCRATCH, READ_AS_TEXT[data[0] % len(READ_AS_TEXT)]))
    except DataError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    "answers": answers,
    "json_lines": json_lines,
    "csv": csv,
    "examples": examples,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=15)
    options.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "ranit-fuzz")
    options.add_argument("--replay", type=Path)
    given = options.parse_args()
    if given.replay is not None:
        (target,) = given.targets
        TARGETS[target](given.replay.read_bytes())
        return
    seconds = max(int(given.minutes * 60 / len(given.targets)), 1)
    for target in given.targets:
        folder = given.found / target
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.fuzz_guided", "fuzz", target, *flags(folder, seconds, given.seed)]
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        if ended.returncode:
            raise SystemExit(f"{target} broke:\n{ended.stderr[-4000:]}")
        stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", ended.stderr))
        reached = re.findall(r"cov: (\d+)", ended.stderr)[-1]
        print(f"{target}: {int(stats['number_of_executed_units']):,} inputs in {seconds} s, {reached} edges reached")


def flags(folder: Path, seconds: int, seed: int) -> list[str]:
    """What libFuzzer is told; the seeds and the dictionary are written into ``folder``."""
    seeds = folder / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, text in enumerate([*SEEDS, *EXAMPLES]):
        for choice in range(4):
            (seeds / f"{number}-{choice}").write_bytes(bytes([choice]) + text.encode())
    words = folder / "words.txt"
    escaped = ("".join(f"\\x{byte:02x}" for byte in piece.encode("utf-8", "surrogatepass")) for piece in PIECES)
    words.write_text("".join(f'"{word}"\n' for word in escaped if len(word) < 400))
    options = {"max_total_time": seconds, "seed": seed, "max_len": LONGEST, "rss_limit_mb": MEGABYTES}
    options |= {"print_final_stats": 1, "dict": words, "artifact_prefix": f"{folder}/broken-"}
    return [*(f"-{name}={value}" for name, value in options.items()), str(seeds)]


def fuzz(target: str, arguments: list[str]) -> None:
    """Run one target; libFuzzer ends the process."""

    def run(data: bytes) -> None:
        if not data:
            return
        started = time.process_time()
        TARGETS[target](data)
        seconds = time.process_time() - started
        if seconds > SLOWEST:
            raise RuntimeError(f"{seconds:.1f} s")

    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["fuzz"]:
        fuzz(sys.argv[2], sys.argv[3:])
    else:
        main()
