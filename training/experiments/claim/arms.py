"""The examples that each text of an evaluation set is shown in each arm: ``python arms.py DATA SET``.

Writes ``DATA/arms.SET.jsonl``, a line for each text: ``{"set", "id", "text", "language", "types", "gold", "arms"}``,
where ``arms`` maps an arm to the ids of its examples, best first, and ``DATA/examples.SET.jsonl`` with those examples.

- ``none``: no examples;
- ``own 8``, ``own 32``, ``own``: the nearest of 8, of 32 or of all examples of the set's own train split;
- ``other nn``: the nearest of the training records, which are of other sets;
- ``other nn bm25``: of those, the ones with BM25 of 20 or more, as in the paper;
- ``judge``: RANIT's calibrated judge over a store for each domain of the training records, and the set's own.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.evaluation.arms import nearest
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.retrieval.judge import Judge
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.types import EntityType, Example
from ranit_training.augment.neighbours import Vectors
from ranit_training.sources import load_records
from ranit_training.vectors import embed_texts, load_vectors

SEED = 42
NOT_ASKED = {"miscellaneous"}  # as in UniversalNER's benchmarks
OTHERS = "other sets"


class Pool:
    """Examples of one language with their vectors."""

    def __init__(self, examples: Sequence[Example], vectors: Vectors) -> None:
        self.examples = examples
        self.vectors = np.asarray(vectors)

    def part(self, rows: Sequence[int]) -> Pool:
        return Pool([self.examples[row] for row in rows], self.vectors[list(rows)])

    def by_domain(self) -> dict[str, Pool]:
        rows: dict[str, list[int]] = {}
        for row, example in enumerate(self.examples):
            rows.setdefault(example.domain, []).append(row)
        return {domain: self.part(found) for domain, found in rows.items()}


def main(data: Path, name: str) -> None:
    tests = load_records([data / f"test.{name}.jsonl"])
    language = tests[0].language
    embedder = default_embedder(language)
    records = load_records([data / f"train.{language}.jsonl"])
    others = Pool(records, load_vectors(data / f"nn.{language}.jsonl.vectors.npy", len(records)))
    used: dict[str, Example] = {}
    with (data / f"arms.{name}.jsonl").open("w", encoding="utf-8") as out:
        for line, shown in lines(name, tests, load_own(data, name, embedder), others, embedder):
            used |= {example.id: example for example in shown}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    with (data / f"examples.{name}.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(example.to_dict(), ensure_ascii=False) + "\n" for example in used.values())


def load_own(data: Path, name: str, embedder: Embedder) -> Pool:
    examples = load_records([data / f"own.{name}.jsonl"])
    path = data / f"own.{name}.vectors.npy"
    if not path.exists():
        embed_texts([example.text for example in examples], embedder, path)
    return Pool(examples, load_vectors(path, len(examples)))


def lines(
    name: str, tests: list[Example], own: Pool, others: Pool, embedder: Embedder
) -> list[tuple[dict[str, Any], list[Example]]]:
    """A line for each text, and the examples in it."""
    language = tests[0].language
    known = {label for example in (*own.examples, *tests) for label in example.labels}
    types = sorted(known - NOT_ASKED)
    drawn = random.Random(SEED).sample(range(len(own.examples)), min(32, len(own.examples)))
    everything = {**others.by_domain(), f"{name} (own)": own}
    arms = {
        "own 8": retriever({name: own.part(drawn[:8])}, embedder, "always"),
        "own 32": retriever({name: own.part(drawn)}, embedder, "always"),
        "own": retriever({name: own}, embedder, "always"),
        "other nn": retriever({OTHERS: others}, embedder, nearest),
        "other nn bm25": retriever({OTHERS: others}, embedder, "paper", "nn_bm25"),
        "judge": retriever(everything, embedder, "calibrated"),
    }
    shown: dict[str, list[list[Example]]] = {"none": [[] for _ in tests]}
    for arm, choose in arms.items():
        decided = choose.decide([test.text for test in tests], [EntityType(t) for t in types], language=language)
        shown[arm] = [[item.example for item in decision.examples] for decision in decided]
    made = []
    for row, test in enumerate(tests):
        examples = {arm: [example.id for example in chosen[row]] for arm, chosen in shown.items()}
        gold = {label: sorted({e.text for e in test.entities if e.label == label}) for label in types}
        line = {"set": name, "id": test.id, "text": test.text, "language": language, "types": types, "gold": gold}
        made.append(({**line, "arms": examples}, [example for chosen in shown.values() for example in chosen[row]]))
    return made


def retriever(pools: dict[str, Pool], embedder: Embedder, judge: str | Judge, strategy: str = "nn") -> StoreRetriever:
    stores = MemoryStores()
    for name, pool in pools.items():
        stores.open(name, embedder, create=True).add(pool.examples, vectors=pool.vectors)
    return StoreRetriever(stores, embedder=embedder, judge=judge, strategy=strategy, k=2, seed=SEED)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
