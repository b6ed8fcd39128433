"""Augmentation at scale against the original's way: ``python -m tests.bench.augment``.

50,000 sentences of real training sets, 384-dimensional vectors, 128 neighbours each, k = 2, BM25 rejection. Ours is
the whole command (read records, exact neighbours, BM25, strategy, near-duplicate guard, render, write). The original's
way is its search and its scores alone, without reading, rendering and writing: one pandas apply over the whole matrix
for each query, a sort of all similarities, and BM25 word by word for the 128 nearest. It is measured on a slice of the
queries against the whole matrix and scaled.

Embedding 50,000 texts takes longer here than all else, and is the same for both: vectors are sums of random vectors,
one for each word, so that like texts have like vectors.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.bm25 import example_words
from ranit_rag.text.duplicates import near_duplicate
from ranit_rag.types import Example
from ranit_training.augment import Retrieval
from ranit_training.conversations import Asking, load_profiles
from ranit_training.data_sets import Made, Output, make_training_set
from ranit_training.layouts import read_rows
from ranit_training.showing import Examples, Records
from ranit_training.sources import load_records

SETS = ("bio_bc5cdr", "wetlab_protocols", "stackoverflow_ner", "cs_ner", "gmb_kaggle", "fewnerd")  # by size
RETRIEVAL = Retrieval("nn_bm25", k=2, pool=128, threshold=20.0)
GOAL_TIMES, GOAL_BYTES = 200, 4 << 30


def sentences(data: Path, count: int) -> Iterator[dict[str, object]]:
    """Training sentences with entities, no text twice, the same share of each set as far as it goes."""
    seen: set[str] = set()
    for number, name in enumerate(SETS):
        left = (count - len(seen)) // (len(SETS) - number)
        with lzma.open(data / "ner" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                if left and row["split"] == "train" and row["entities"] and row["text"] not in seen:
                    seen.add(row["text"])
                    left -= 1
                    yield row


def word_vectors(records: list[Example], dimension: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    table: dict[str, NDArray[np.float32]] = {}
    vectors = np.empty((len(records), dimension), np.float32)
    for row, record in enumerate(records):
        words = example_words(record.text, "en") or [record.text]
        for word in words:
            if word not in table:
                table[word] = rng.standard_normal(dimension, np.float32)
        vectors[row] = np.sum([table[word] for word in words], axis=0)
    return vectors


class OriginalWay:
    """The search and scores of the original scripts, by their description; words are given, which favours it."""

    def __init__(self, records: list[Example], vectors: NDArray[np.float32]) -> None:
        from rank_bm25 import BM25Okapi

        self.records = records
        self.vectors = vectors
        self.words = [example_words(record.text, "en") for record in records]
        self.bm25 = BM25Okapi(self.words)

    def neighbours(self, query: int) -> list[tuple[int, float]]:
        """The nearest rows with their BM25 scores."""
        import pandas

        wanted = self.vectors[query]
        frame = pandas.DataFrame({"embedding": list(self.vectors)})
        similar = frame.embedding.apply(
            lambda vector: np.dot(vector, wanted) / (np.linalg.norm(vector) * np.linalg.norm(wanted))
        )
        order = [row for row in np.argsort(similar).tolist()[::-1] if row != query][: RETRIEVAL.pool]
        return [(row, self.score(self.words[query], row)) for row in order]

    def score(self, words: list[str], row: int) -> float:
        counts, model = self.bm25.doc_freqs[row], self.bm25
        length = 1 - model.b + model.b * model.doc_len[row] / model.avgdl
        known = ((model.idf[word], counts[word]) for word in words if word in counts)
        return sum(idf * count * (model.k1 + 1) / (count + model.k1 * length) for idf, count in known)


def examples(query: str, neighbours: list[tuple[int, float]], records: list[Example]) -> list[str]:
    """What a plain reading of the strategy shows: the nearest that repeat neither the text nor each other, rejected."""
    shown: list[tuple[int, float]] = []
    for row, score in neighbours:
        others = [query, *(records[other].text for other, _ in shown)]
        if len(shown) < RETRIEVAL.k and not any(near_duplicate(records[row].text, other) for other in others):
            shown.append((row, score))
    return [records[row].id for row, score in shown if score >= RETRIEVAL.threshold]


def run_ours(source: Path, vectors: Path, output: Path) -> tuple[Made, float]:
    begun = time.perf_counter()
    how = Examples(RETRIEVAL)
    made = make_training_set(Records((source,), vectors=vectors), Output(output), Asking(load_profiles()), how)
    return made, time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=3, help="times that ours runs, 2 at least")
    parser.add_argument("--slice", type=int, default=12, help="queries of the original's way that are measured")
    default = os.environ.get("RANIT_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    options = parser.parse_args()

    import torch

    with tempfile.TemporaryDirectory() as folder:
        source, kept, output = (Path(folder) / name for name in ("records.jsonl", "vectors.npy", "rows.jsonl"))
        with source.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in sentences(options.data, options.records))
        records = load_records([source])
        np.save(kept, word_vectors(records, options.dimension))
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, "
            f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}\n"
            f"{len(records):,} records of {', '.join(SETS)}; {options.dimension} dimensions, "
            f"{RETRIEVAL.pool} neighbours, k = {RETRIEVAL.k}, {RETRIEVAL.strategy}, threshold {RETRIEVAL.threshold:g}"
        )
        made, taken = run_ours(source, kept, output)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        shown = {row["id"]: row["examples"] for row in read_rows(output)}

        original = OriginalWay(records, np.load(kept))
        original.neighbours(0)  # imports pandas
        ours, seconds, equal = [taken], [], 0
        queries = np.linspace(0, len(records) - 1, options.slice).astype(int)
        for some in np.array_split(queries, options.repeats - 1):  # in turns, so that both see the same machine
            for query in some.tolist():
                begun = time.perf_counter()
                neighbours = original.neighbours(query)
                seconds.append(time.perf_counter() - begun)
                equal += examples(records[query].text, neighbours, records) == shown[records[query].id]
            ours.append(run_ours(source, kept, output)[1])

    theirs = statistics.median(seconds) * len(records)
    times = theirs / statistics.median(ours)
    histogram = {name: count for name, count in made.counts.items() if name.endswith("_examples")}
    print(
        f"examples shown: {histogram}\n"
        f"ours, whole command, {len(ours)} runs: {', '.join(f'{each:.1f}' for each in ours)} s; "
        f"peak memory of the process {peak / 2**30:.2f} GiB\n"
        f"original's way, {len(seconds)} queries: {statistics.median(seconds):.3f} s each "
        f"(median; from {min(seconds):.3f} to {max(seconds):.3f}), {theirs:,.0f} s for all\n"
        f"same examples for {equal} of {len(seconds)} queries\n"
        f"{times:,.0f} times faster than the original's way (goal {GOAL_TIMES}); "
        f"memory {'within' if peak <= GOAL_BYTES else 'over'} {GOAL_BYTES >> 30} GiB"
    )
    return 0 if times >= GOAL_TIMES and peak <= GOAL_BYTES and equal == len(seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
