"""What a checkpoint answers in every arm: ``python training/experiments/claim/answers.py DATA CHECKPOINT OUT``.

Reads what ``arms.py`` wrote. OUT gets a line for each text and arm: ``{"set", "id", "arm", "found"}``, with the
mentions found of each type. Conversations that arms have in common are asked once. The grammar is on:
mentions are substrings of the text.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ranit_rag.engines.base import Reply
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.prompts import Conversation, Profile, load_profile, parse_answer
from ranit_rag.types import EntityType, Example

Row = dict[str, Any]
ROOM = 1_900  # tokens of text and examples, out of a context of 2,048


def main(data: Path, checkpoint: Path, out: Path, texts: int | None = None) -> None:
    dtype = "bfloat16" if torch.cuda.is_available() else "auto"
    engine = TransformersEngine(checkpoint, dtype=dtype, batch_tokens=65_536)
    profiles = {language: load_profile(f"nano-{language}.v1") for language in ("en", "zh")}
    examples = {row["id"]: Example.from_dict(row) for row in read(data / "examples.jsonl")}
    rows = list(read(data / "arms.jsonl"))[:: 1 if texts is None else max(1, texts)]
    asked: dict[tuple[str, tuple[str, ...]], Conversation] = {}
    keys = {}
    for row in rows:
        for arm, ids in row["arms"].items():
            key = (f"{row['set']}/{row['id']}", tuple(ids))
            keys[row["set"], row["id"], arm] = key
            if key not in asked:
                asked[key] = conversation(row, [examples[i] for i in ids], profiles[row["language"]], engine)
    begun = time.perf_counter()
    replies = dict(zip(asked, engine.generate(list(asked.values()), max_tokens=192), strict=True))
    taken = time.perf_counter() - begun
    print(f"{checkpoint}: {len(asked)} conversations, {len(asked) / taken:.1f} a second, {taken:.0f} s", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as stream:
        for row in rows:
            for arm in row["arms"]:
                found = mentions(replies[keys[row["set"], row["id"], arm]], row["types"])
                line = {"set": row["set"], "id": row["id"], "arm": arm, "found": found}
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")


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
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:5]))
