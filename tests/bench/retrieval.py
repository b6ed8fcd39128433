"""Retrieve and judge against LangChain's selector on Chroma, DSPy's KNN, and a pandas search as in the original.

``python -m tests.bench.retrieval [--sizes 1000,10000,100000] [--queries 200]`` prints a Markdown report. All arms have
the same vectors and texts, in one process on one machine; embedding is left out. The arms take turns. DSPy and
langchain-chroma are not among the project's dependencies: an arm whose package is missing is named and left out.
"""

from __future__ import annotations

import argparse
import platform
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores import open_stores
from ranit_rag.stores.base import StoreSet
from ranit_rag.types import Entity, EntityType, Example

DIMENSION = 384
K = 2
STORES = 30
TYPES = ("method", "material", "organism", "device", "measure", "place")
Vectors = Any
Search = Callable[[str], Sequence[str]]


class Corpus:
    """Texts of 20 words, with vectors that gather around topics, ten to a domain. The queries are others like them."""

    def __init__(self, size: int, queries: int) -> None:
        rng = np.random.default_rng(0)
        words = [
            f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "ei", "o", "u") for c in ("ran", "tis", "mol", "vek")
        ]
        topics = rng.standard_normal((10 * STORES, DIMENSION))
        total = size + queries
        topic = rng.integers(0, len(topics), total)
        vectors = topics[topic] + 0.8 * rng.standard_normal((total, DIMENSION))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chooser = random.Random(0)
        texts = [" ".join(chooser.choices(words, k=20)) + f" {number}" for number in range(total)]
        self.vectors = vectors[:size].astype(np.float32)
        self.examples = [example(text, TYPES[row % len(TYPES)]) for row, text in enumerate(texts[:size])]
        self.domain = topic[:size] % STORES
        self.queries = texts[size:]
        self.vector_of = dict(zip(texts[size:], vectors[size:].astype(np.float32), strict=True))

    def nearest(self, query: str) -> set[str]:
        """The texts of the K nearest, by a full search."""
        best = np.argsort(-(self.vectors @ self.vector_of[query]))[:K]
        return {self.examples[row].text for row in best}


def example(text: str, label: str) -> Example:
    word = text.split()[0]
    return Example(text, (Entity(word, label, 0, len(word)),), language="en")


class Known:
    """An embedder that knows the queries' vectors, and takes a moment for anything else."""

    name = "known"
    dimension = DIMENSION

    def __init__(self, vector_of: dict[str, Vectors]) -> None:
        self._vector_of = vector_of

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(len(texts), DIMENSION)

    def _vector(self, text: str) -> Vectors:
        if text not in self._vector_of:
            vector = np.random.default_rng(abs(hash(text))).standard_normal(DIMENSION)
            self._vector_of[text] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return self._vector_of[text]


def ours(corpus: Corpus, folder: str, stores: int) -> tuple[Search, float]:
    """Our search over Chroma stores, and the seconds of the import."""
    embedder = Known(corpus.vector_of)
    opened: StoreSet = open_stores(folder)
    started = time.perf_counter()
    for number in range(stores):
        rows = np.flatnonzero(corpus.domain % stores == number)
        store = opened.open(f"domain {number}", embedder, create=True)
        store.add([corpus.examples[row] for row in rows], vectors=corpus.vectors[rows])
    seconds = time.perf_counter() - started
    retriever = StoreRetriever(opened, embedder=embedder, judge="calibrated", k=K)
    asked = [EntityType(name) for name in TYPES[:3]]

    def search(query: str) -> list[str]:
        return [shown.example.text for shown in retriever.decide([query], asked, language="en")[0].examples]

    return search, seconds


def langchain(corpus: Corpus, folder: str) -> Search:
    from langchain_chroma import Chroma
    from langchain_core.embeddings import Embeddings
    from langchain_core.example_selectors import SemanticSimilarityExampleSelector

    class Given(Embeddings):
        def embed_query(self, text: str) -> list[float]:
            return corpus.vector_of[text].tolist()

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError

    chroma = Chroma("examples", Given(), folder, collection_metadata={"hnsw:space": "cosine"})
    for start in range(0, len(corpus.examples), 5000):
        part = slice(start, start + 5000)
        texts = [item.text for item in corpus.examples[part]]
        ids = [str(number) for number in range(start, start + len(texts))]
        chroma._collection.add(
            ids, embeddings=corpus.vectors[part], documents=texts, metadatas=[{"text": text} for text in texts]
        )
    selector = SemanticSimilarityExampleSelector(vectorstore=chroma, k=K)
    return lambda query: [item["text"] for item in selector.select_examples({"text": query})]


def dspy_knn(corpus: Corpus) -> Search:
    import dspy

    examples = [dspy.Example(text=item.text).with_inputs("text") for item in corpus.examples]
    known = {f"text: {item.text}": vector for item, vector in zip(corpus.examples, corpus.vectors, strict=True)}
    known |= {f"text: {text}": vector for text, vector in corpus.vector_of.items()}
    embedder = dspy.Embedder(lambda texts: np.array([known[text] for text in texts]), caching=False)
    knn = dspy.predict.KNN(K, examples, embedder)
    return lambda query: [item.text for item in knn(text=query)]


def pandas_apply(corpus: Corpus) -> Search:
    """As the RA-IT script does it: the cosine by one ``apply`` over a frame of vectors for each query."""
    import pandas

    frame = pandas.DataFrame({"text": [item.text for item in corpus.examples], "vector": list(corpus.vectors)})

    def cosine(one: Vectors, other: Vectors) -> float:
        return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))

    def search(query: str) -> list[str]:
        scores = frame["vector"].apply(lambda vector: cosine(vector, corpus.vector_of[query]))
        return frame.loc[scores.nlargest(K).index, "text"].tolist()

    return search


def measure(arms: dict[str, Search], corpus: Corpus, slow: set[str]) -> list[str]:
    """Milliseconds of each arm, which take turns query by query; slow ones answer the first five."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    right = dict.fromkeys(arms, 0)
    for search in arms.values():
        search(corpus.queries[0])
    for number, query in enumerate(corpus.queries):
        wanted = corpus.nearest(query)
        for name, search in arms.items():
            if name in slow and number >= 5:
                continue
            started = time.perf_counter()
            found = search(query)
            times[name].append(1000 * (time.perf_counter() - started))
            right[name] += len(wanted & set(found))
    rows = []
    for name, taken in times.items():
        p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 5 else max(taken)
        share = right[name] / (K * len(taken))
        rows.append(f"| {len(corpus.examples):,} | {name} | {statistics.median(taken):.2f} | {p95:.2f} | {share:.3f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}; "
        f"{given.queries} queries, arms in turn, {K} examples each.\n"
    )
    print("| examples | arm | p50 ms | p95 ms | exact neighbours |\n|---|---|---|---|---|")
    notes: list[str] = []
    for size in map(int, given.sizes.split(",")):
        corpus = Corpus(size, given.queries)
        with tempfile.TemporaryDirectory() as folder:
            arms = make_arms(corpus, Path(folder), notes)
            print("\n".join(measure(arms, corpus, {"pandas apply"})), flush=True)
    print("\n" + "\n".join(f"- {note}" for note in notes))


def make_arms(corpus: Corpus, folder: Path, notes: list[str]) -> dict[str, Search]:
    arms: dict[str, Search] = {}
    for stores in (1, STORES):
        name = f"RANIT, {stores} store{'s' * (stores > 1)}"
        arms[name], seconds = ours(corpus, str(folder / str(stores)), stores)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        notes.append(
            f"{name}: import of {len(corpus.examples):,} {seconds:.1f} s; the process peaked at {peak:,.0f} MiB"
        )
    others: dict[str, Callable[[], Search]] = {
        "LangChain on Chroma": lambda: langchain(corpus, str(folder / "langchain")),
        "DSPy KNN": lambda: dspy_knn(corpus),
        "pandas apply": lambda: pandas_apply(corpus),
    }
    for name, make in others.items():
        try:
            arms[name] = make()
        except ImportError as error:
            notes.append(f"{name}: not measured, {error}")
    return arms


if __name__ == "__main__":
    main()
