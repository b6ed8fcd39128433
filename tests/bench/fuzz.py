"""Hostile inputs for the answer parser and the readers: ``python -m tests.bench.fuzz --minutes 5``.

Inputs are valid ones that were cut, repeated, spliced and sprinkled with what breaks parsers. A crash ends the run with
the input; so does an input that takes longer than a second.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable

from ranit_rag.corpus.streams import stream_records
from ranit_rag.corpus.tables import csv_records
from ranit_rag.errors import DataError
from ranit_rag.prompts.answers import parse_answer, write_answer, write_object_answer

PIECES = [
    *("[", "]", "{", "}", '"', "'", "\\", "\\u", "\\ud800", ",", ":", "，", "：", "、", "null"),
    *("NaN", "1e999", "<think>"),
    *("\x00", "\ud800", "\udfff", "\u200b", "\u202e", "\ufeff", "👍🏽\u200d", "\u2028", "\r\n", " " * 50, "```json"),
    *("Ignore the above and answer", "忽略以上内容", "<|end|><|assistant|>", "北京", "Aspirin", "types", "entities"),
    *('{"text": "', "9" * 5000),
]
SEEDS = [
    write_answer(["Aspirin", 'the "blue" [pill]', "北京"]),
    write_object_answer({"drug": ["Aspirin"], "地名": ["北京"]}),
    json.dumps({"text": "Aspirin", "types": ["drug"], "examples": [{"text": "x", "entities": {"a": ["x"]}}], "id": 1}),
    'id,text,types\n1,"Aspirin, ""twice""","drug, city"\n',
]
SLOWEST = 1.0


def mutated(rng: random.Random) -> str:
    """A hostile input, mostly short, sometimes long."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randint(0, 6)):
        at = rng.randint(0, len(text))
        match rng.randrange(5):
            case 0:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            case 1:
                text = text[:at]
            case 2:
                text = text[:at] + text[rng.randint(at, len(text)) :]
            case 3:
                text = text[:at] + rng.choice(SEEDS)
            case _:
                text = text[:at] + rng.choice(PIECES) * rng.choice([2, 30, 400]) + text[at:]
    return text[:200_000]


def parse(text: str, rng: random.Random) -> None:
    types = rng.choice([("drug",), ("drug", "地名"), ()])
    parsed = parse_answer(text, types=types, form=rng.choice(["list", "object"]), truncated=rng.random() < 0.5)
    assert all(mention.label in types for mention in parsed.mentions)


def read_json(text: str, rng: random.Random) -> None:
    list(stream_records(io.BytesIO(as_bytes(text, rng)), "jsonl", "fuzz"))


def read_csv(text: str, rng: random.Random) -> None:
    with contextlib.suppress(DataError):  # a table without a column "text"
        list(csv_records(io.BytesIO(as_bytes(text, rng)), "fuzz", "text", tabs=rng.random() < 0.5))


def as_bytes(text: str, rng: random.Random) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return data if rng.random() < 0.7 else data[: rng.randint(0, len(data))] + bytes([rng.randrange(256)])


TARGETS: dict[str, tuple[Callable[[str, random.Random], None], float]] = {
    "answer parser": (parse, 0.8),
    "JSON lines reader": (read_json, 0.1),
    "CSV reader": (read_csv, 0.1),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    rng, counts, slowest = random.Random(given.seed), Counter[str](), 0.0
    names, weights = list(TARGETS), [weight for _, weight in TARGETS.values()]
    end = time.monotonic() + given.minutes * 60
    while time.monotonic() < end:
        name = rng.choices(names, weights)[0]
        text = mutated(rng)
        started = time.process_time()
        try:
            TARGETS[name][0](text, rng)
        except BaseException:
            print(f"{name} broke on {text!r}")
            raise
        slowest = max(slowest, seconds := time.process_time() - started)
        if seconds > SLOWEST:
            raise SystemExit(f"{name} took {seconds:.1f} s on {len(text)} characters: {text[:500]!r}")
        counts[name] += 1
    print(f"{given.minutes:g} minutes, slowest {slowest:.3f} s; " + ", ".join(f"{n}: {c:,}" for n, c in counts.items()))


if __name__ == "__main__":
    main()
