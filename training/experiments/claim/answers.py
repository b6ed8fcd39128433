"""What a checkpoint answers in every arm: ``python training/experiments/claim/answers.py DATA CHECKPOINT OUT``.

Reads what ``arms.py`` wrote. OUT gets a line for each text and arm: ``{"set", "id", "arm", "found"}``, with the
mentions found of each type. Conversations that arms have in common are asked once. The grammar is on:
mentions are substrings of the text.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from ranit_rag.engines.base import Reply
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.prompts import Conversation, Profile, load_profile, parse_answer
from ranit_rag.types import EntityType, Example

Row = dict[str, Any]
ROOM = 1_900  # tokens of text and examples, out of a context of 2,048


@dataclass(frozen=True, slots=True)
class Share:
    """Every ``of``-th text from ``first`` on: what one process answers."""

    first: int
    of: int
    every: int

    def rows(self, data: Path) -> list[Row]:
        return list(read(data / "arms.jsonl"))[:: self.every][self.first :: self.of]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=1, help="10 asks about each tenth text only")
    parser.add_argument("--processes", type=int, default=1, help="that answer at once, each on one core")
    parser.add_argument("--dtype", default="bfloat16" if torch.cuda.is_available() else "auto")
    options = parser.parse_args()
    begun = time.perf_counter()
    shares = [Share(number, options.processes, options.every) for number in range(options.processes)]
    work = partial(answered, options.data, options.checkpoint, options.dtype)
    if options.processes == 1:
        parts = [work(shares[0])]
    else:
        os.environ["OMP_NUM_THREADS"] = "1"
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(work, shares))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as stream:
        for line in sorted((line for part in parts for line in part), key=lambda line: (line["set"], line["id"])):
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"{options.checkpoint}: {time.perf_counter() - begun:.0f} s", flush=True)


def answered(data: Path, checkpoint: Path, dtype: str, share: Share) -> list[Row]:
    """The lines of a share's texts."""
    engine = TransformersEngine(checkpoint, dtype=dtype, batch_tokens=65_536)
    profiles = {language: load_profile(f"nano-{language}.v1") for language in ("en", "zh")}
    examples = {row["id"]: Example.from_dict(row) for row in read(data / "examples.jsonl")}
    rows = share.rows(data)
    asked: dict[tuple[str, tuple[str, ...]], Conversation] = {}
    keys = {}
    for row in rows:
        for arm, ids in row["arms"].items():
            key = (f"{row['set']}/{row['id']}", tuple(ids))
            keys[row["set"], row["id"], arm] = key
            if key not in asked:
                asked[key] = conversation(row, [examples[i] for i in ids], profiles[row["language"]], engine)
    replies = dict(zip(asked, engine.generate(list(asked.values()), max_tokens=192), strict=True))
    return [
        {"set": row["set"], "id": row["id"], "arm": arm, "found": mentions(replies[key], row["types"])}
        for row in rows
        for arm in row["arms"]
        for key in [keys[row["set"], row["id"], arm]]
    ]


def conversation(row: Row, examples: list[Example], profile: Profile, engine: TransformersEngine) -> Conversation:
    """The conversation with as many of the examples, nearest first, as the context holds."""
    types = [EntityType(name) for name in row["types"]]
    while True:
        asked = profile.conversation(row["text"], types, examples, source=row["text"])
        if not examples or sum(engine.count_tokens(turn.content) for turn in asked.prefix) <= ROOM:
            return asked
        examples = examples[:-1]


def mentions(reply: Reply, types: Sequence[str]) -> dict[str, list[str]]:
    if reply.error is not None:
        raise reply.error
    found: dict[str, list[str]] = {}
    for name, answer in zip(types, reply.answers, strict=True):
        parsed = parse_answer(answer.text, types=(name,), form="list", truncated=answer.finish == "length")
        if parsed.mentions:
            found[name] = [mention.text for mention in parsed.mentions]
    return found


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


if __name__ == "__main__":
    main()
