"""Records of the experiment: training texts of many domains, evaluation texts, and the pools of their own domain.

``python training/experiments/claim/records.py OUT`` reads the data sets beside the repository and writes

- ``OUT/train.<language>.jsonl``: at most CAP texts with entities of every set that is free for training;
- ``OUT/test.<set>.jsonl``: TEXTS texts of each evaluation set's test split (dev where the test has no labels);
- ``OUT/own.<set>.jsonl``: OWN texts of that set's train split, the pool of in-domain examples.
"""

from __future__ import annotations

import json
import lzma
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

EVALUATION = {
    "crossner_ai": "test",
    "crossner_politics": "test",
    "crossner_science": "test",
    "mit_movie": "test",
    "boson_zh": "test",
    "cluener2020": "dev",
    "cmeee": "dev",
}
NEAR = {"mit_movie_trivia"}  # too close to an evaluation set to be trained on
CAP = 1_000
LONGEST = 1_000  # characters of a training text
TEXTS = 150
OWN = 5_000
SEED = 42
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "ner"


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    training: dict[str, list[Row]] = {"en": [], "zh": []}
    for path in sorted(DATA.glob("*.jsonl.xz")):
        name = path.name.removesuffix(".jsonl.xz")
        rows = list(read(path))
        rng = random.Random(f"{SEED}/{name}")
        if name in EVALUATION:
            test = [row for row in rows if row["split"] == EVALUATION[name]]
            write(out / f"test.{name}.jsonl", rng.sample(test, min(TEXTS, len(test))))
            own = [row for row in rows if row["split"] == "train" and row["entities"]]
            write(out / f"own.{name}.jsonl", rng.sample(own, min(OWN, len(own))))
        elif name not in NEAR:
            usable = [row for row in training_split(rows) if row["entities"] and len(row["text"]) <= LONGEST]
            training[rows[0]["lang"]] += rng.sample(usable, min(CAP, len(usable)))
    for language, rows in training.items():
        random.Random(SEED).shuffle(rows)
        write(out / f"train.{language}.jsonl", rows)


def training_split(rows: list[Row]) -> list[Row]:
    """The train split; all of a set that has none."""
    return [row for row in rows if row["split"] == "train"] or rows


def read(path: Path) -> Iterator[Row]:
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
