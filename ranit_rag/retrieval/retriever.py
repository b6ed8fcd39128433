"""The retriever: pool, judge, strategy. For each text it decides which stored examples are worth showing."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ranit_rag.errors import InputError
from ranit_rag.retrieval.bm25 import StoreBm25, example_words
from ranit_rag.retrieval.calibration import Calibration, Calibrator
from ranit_rag.retrieval.embedding import load_embedder
from ranit_rag.retrieval.judge import Case, Judge, Verdict, find_judge, verdict_of
from ranit_rag.retrieval.lexicon import StoreLexicon, TextPrecedents
from ranit_rag.retrieval.signals import Evidence, Space, gather
from ranit_rag.retrieval.strategies import Strategy, check_strategy, choose
from ranit_rag.retrieval.view import StoreView
from ranit_rag.stores.base import Embedder, StoreSet
from ranit_rag.stores.checks import missing_store
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.text.duplicates import NearDuplicates
from ranit_rag.types import Decision, EntityType, Example, ShownExample

POOL = 128
REPEATING = 0.7  # the cosine from which an example may nearly repeat a text
RANK = {"in_domain": 2, "out_domain": 1, "none": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An example of the pool with its cosine to the text."""

    view: StoreView
    row: int
    similarity: float

    @property
    def example(self) -> Example:
        return self.view.snapshot.examples[self.row]

    @property
    def store(self) -> str:
        return self.view.name


class StoreRetriever:
    """A ``Retriever`` over example stores. Safe to use from many threads.

    Every store is searched with the embedder that it is pinned to: ``embedder`` where that is its name, else the one
    that ``load_embedder`` finds. ``judge`` is a name or any callable; ``strategy`` says how the ``pool`` nearest become
    ``k`` examples. Out of domain, those that share too few words with the text are dropped whatever the strategy.
    ``domain`` restricts all to one store. Draws depend on ``seed`` and the text alone. Stores are looked at anew in
    each call, and what was learned from one is kept until its version changes. ``cache`` is a folder for the vectors of
    the bundled general text, which the judge learns from; without one each process embeds it.
    """

    def __init__(
        self,
        stores: StoreSet,
        *,
        embedder: Embedder | None = None,
        judge: str | Judge = "calibrated",
        strategy: str = "nn",
        k: int = 2,
        pool: int = POOL,
        domain: str | None = None,
        seed: int = 0,
        cache: Path | None = None,
    ) -> None:
        if k < 0 or pool < 1:
            raise InputError(f"k is {k} and the pool {pool}", hint="k is 0 or more, the pool 1 or more")
        self.stores = stores
        self.domain = domain
        self._embedder = embedder
        self._judge = find_judge(judge)
        self._strategy: Strategy = check_strategy(strategy)
        self._k = k
        self._pool = max(pool, k)
        self._seed = seed
        self._cache = cache
        self._lock = threading.RLock()
        self._views: dict[tuple[str, str], StoreView] = {}
        self._bm25: dict[str, StoreBm25] = {}
        self._lexicons: dict[str, StoreLexicon] = {}
        self._spaces: dict[tuple[str, str], tuple[Space, Calibrator]] = {}
        self._calibrations: dict[tuple[str, str], tuple[object, Calibration]] = {}

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
        """See ``Retriever``. Only stores with examples in the language are candidates, unless a domain is set.

        Raises StoreError where the domain does not exist, or a store cannot be read.
        """
        names = tuple(item.name for item in types)
        spaces = self._candidates(language)
        if not spaces or not texts:
            reason = f"no store has examples in {language!r}" if self.stores.names() else "there are no stores yet"
            return [Decision("none", reason, types=names) for _ in texts]
        decided = [self._decide_in(space, views, texts, names) for space, views in spaces]
        return [max(one, key=_rank) for one in zip(*decided, strict=True)]

    def cases(self, texts: Sequence[str], types: Sequence[EntityType] = (), *, language: str) -> list[list[Case]]:
        """What the judge is given: for each text a case for each embedding that candidate stores have."""
        names = tuple(item.name for item in types)
        found = [
            self._cases(space, views, texts, space.embedder.embed(texts), names)
            for space, views in self._candidates(language)
        ]
        return [list(cases) for cases in zip(*found, strict=True)] if found else [[] for _ in texts]

    def pool(self, text: str, *, language: str) -> list[Candidate]:
        """The nearest examples of the candidate stores, best first, without those that nearly repeat the text."""
        repeats = NearDuplicates(text)
        evidence = [item for case in self.cases([text], language=language)[0] for item in case.evidence]
        return [item for item in merged(evidence, self._pool) if item.example.text not in repeats]

    def _decide_in(
        self, space: Space, views: Sequence[StoreView], texts: Sequence[str], types: tuple[str, ...]
    ) -> list[Decision]:
        vectors = space.embedder.embed(texts)
        cases = self._cases(space, views, texts, vectors, types)
        return [self._decide(case, vector, views) for case, vector in zip(cases, vectors, strict=True)]

    def _cases(
        self, space: Space, views: Sequence[StoreView], texts: Sequence[str], vectors: Vectors, types: tuple[str, ...]
    ) -> list[Case]:
        request = space.types.telling(types, [view.types for view in views])
        kind = space.kinds([request])[0]
        evidence = gather(space, views, texts, vectors, request, self._pool)
        calibrate = partial(self._calibration, space, views)
        return [
            Case(text, types, space.language, kind, tuple(items), calibrate)
            for text, items in zip(texts, evidence, strict=True)
        ]

    def _decide(self, case: Case, vector: Vectors, views: Sequence[StoreView]) -> Decision:
        verdict = verdict_of(self._judge(case), case)
        best = next((item for item in case.evidence if item.store == verdict.store), case.evidence[0])
        chosen: list[Candidate] = []
        bm25: list[float | None] = []
        if verdict.route == "in_domain":
            chosen, bm25 = self._chosen(case, verdict, vector, [best], [best.view])
        elif verdict.route == "out_domain":
            chosen, bm25 = self._chosen(case, verdict, vector, case.evidence, views)
        shown = tuple(
            ShownExample(item.example, item.similarity, score) for item, score in zip(chosen, bm25, strict=True)
        )
        return Decision(
            verdict.route if shown else "none",
            _reason(verdict, len(shown)),
            store=verdict.store if shown else None,
            examples=shown,
            types=case.types or _types(verdict, best, shown),
            text_score=best.text,
            types_score=best.types,
            margin=verdict.margin,
            probability=verdict.probability,
            p_value=verdict.p_value,
            threshold=verdict.threshold,
            precedents=self._precedents(case.text, best) if verdict.route == "in_domain" and shown else None,
        )

    def _precedents(self, text: str, own: Evidence) -> TextPrecedents:
        """What the text's own store says of its words; examples that nearly repeat the text do not speak for it."""

        def repeating() -> frozenset[int]:
            repeats = NearDuplicates(text)
            near = [int(row) for row in own.rows[own.similarities >= REPEATING].tolist()]
            return frozenset(row for row in near if own.view.snapshot.examples[row].text in repeats)

        return TextPrecedents(text, partial(self._lexicon, own.view), repeating)

    def _lexicon(self, view: StoreView) -> StoreLexicon:
        lexicon = self._lexicons.get(view.name)
        if lexicon is None or lexicon.version != view.snapshot.version:
            with self._lock:
                lexicon = self._lexicons.get(view.name)  # another thread may have made it meanwhile
                if lexicon is None or lexicon.version != view.snapshot.version:
                    lexicon = self._lexicons[view.name] = StoreLexicon(view.snapshot.examples, view.snapshot.version)
        return lexicon

    def _chosen(
        self, case: Case, verdict: Verdict, vector: Vectors, evidence: Sequence[Evidence], views: Sequence[StoreView]
    ) -> tuple[list[Candidate], list[float | None]]:
        """The examples to show with their BM25 scores, by share or as they are; None where they are not needed."""
        words: list[str] = []

        def scores(items: Sequence[Candidate]) -> list[float]:
            if not words:
                words.extend(example_words(case.text, case.language))
            return [self._bm25_score(words, item, absolute=verdict.bm25 is not None) for item in items]

        rng = random.Random(f"{self._seed}\n{case.text}")
        least = verdict.bm25_share if verdict.bm25 is None else verdict.bm25
        chosen = choose(
            self._strategy,
            merged(evidence, self._pool),
            k=self._k,
            rng=rng,
            bm25=scores,
            threshold=least,
            strangers=_strangers(views, vector, rng),
            accept=_Unrepeated(case.text),
        )
        if verdict.route == "in_domain" and "bm25" not in self._strategy:
            return chosen, [None] * len(chosen)
        scored = list(zip(chosen, scores(chosen), strict=True))
        if verdict.route == "out_domain":
            scored = [(item, score) for item, score in scored if score >= least]
        return [item for item, _ in scored], [score for _, score in scored]

    def _bm25_score(self, words: list[str], item: Candidate, *, absolute: bool) -> float:
        index = self.bm25(item.view)
        return float((index.scores if absolute else index.shares)(words, [item.row])[0])

    def bm25(self, view: StoreView) -> StoreBm25:
        """The BM25 index of a store, made when it is first needed: seconds for 100,000 English texts."""
        index = self._bm25.get(view.name)
        if index is None or index.version != view.snapshot.version:
            with self._lock:
                index = self._bm25[view.name] = StoreBm25(view.snapshot, self._bm25.get(view.name))
        return index

    def _candidates(self, language: str) -> list[tuple[Space, list[StoreView]]]:
        """The stores to choose from, by embedding. Raises StoreError for a domain that does not exist."""
        names = self.stores.names()
        if self.domain is not None:
            if self.domain not in names:
                raise missing_store(self.domain, names)
            names = [self.domain]
        views: dict[str, list[StoreView]] = {}
        for name in names:
            view = self._view(name, language)
            if len(view) and (view.speaks or self.domain is not None):
                views.setdefault(view.embedding, []).append(view)
        return [(self._space(embedding, language)[0], found) for embedding, found in views.items()]

    def _view(self, name: str, language: str) -> StoreView:
        store = self.stores.open(name)
        view = self._views.get((name, language))
        if view is None or view.key != (name, store.version):
            view = self._views[name, language] = StoreView(store, store.snapshot(), language)
        return view

    def _space(self, embedding: str, language: str) -> tuple[Space, Calibrator]:
        with self._lock:
            key = (embedding, language)
            if key not in self._spaces:
                given = self._embedder
                embedder = given if given is not None and given.name == embedding else load_embedder(embedding)
                space = Space(embedder, language, cache=self._cache)
                self._spaces[key] = (space, Calibrator(space))
            return self._spaces[key]

    def _calibration(self, space: Space, views: Sequence[StoreView]) -> Calibration:
        key = (space.embedder.name, space.language)
        stamp = tuple(view.key for view in views)
        with self._lock:
            kept = self._calibrations.get(key)
            if kept is None or kept[0] != stamp:
                kept = self._calibrations[key] = (stamp, self._space(*key)[1].calibrate(views))
            return kept[1]


class _Unrepeated:
    """Accepts an example whose text repeats neither the query's nor that of one accepted before."""

    def __init__(self, text: str) -> None:
        self._seen = [NearDuplicates(text)]

    def __call__(self, item: Candidate) -> bool:
        new = NearDuplicates(item.example.text)
        if any(new.repeats(seen) for seen in self._seen):
            return False
        self._seen.append(new)
        return True


def merged(evidence: Sequence[Evidence], count: int) -> list[Candidate]:
    """The nearest examples over all the stores given, best first."""
    if len(evidence) == 1:
        one = evidence[0]
        return [Candidate(one.view, int(r), float(s)) for r, s in zip(one.rows[:count], one.similarities, strict=False)]
    if not evidence:
        return []
    similarities = np.concatenate([item.similarities for item in evidence])
    rows = np.concatenate([item.rows for item in evidence])
    owner = np.repeat(np.arange(len(evidence)), [len(item.rows) for item in evidence])
    best = np.argsort(-similarities, kind="stable")[:count]
    return [Candidate(evidence[owner[i]].view, int(rows[i]), float(similarities[i])) for i in best]


def _strangers(views: Sequence[StoreView], vector: Vectors, rng: random.Random) -> Iterator[Candidate]:
    """All examples of the stores in random order."""
    ends = np.cumsum([len(view) for view in views])
    seen: set[int] = set()
    while len(seen) < ends[-1]:
        number = rng.randrange(int(ends[-1]))
        if number not in seen:
            seen.add(number)
            view = views[int(np.searchsorted(ends, number, side="right"))]
            row = number - int(ends[ends > number][0]) + len(view)
            yield Candidate(view, row, float(view.snapshot.vectors[row] @ vector))


def _rank(decision: Decision) -> tuple[int, float, float]:
    """In domain before out of domain before none; then the surer one."""
    return RANK[decision.route], decision.probability or 0.0, decision.text_score or 0.0


def _reason(verdict: Verdict, shown: int) -> str:
    if verdict.route == "in_domain" and not shown:
        return f"{verdict.reason}; no example of it is left to show"
    if verdict.route != "out_domain":
        return verdict.reason
    needed = (
        f"BM25 ≥ {verdict.bm25_share:.2f} of the text's own" if verdict.bm25 is None else f"BM25 ≥ {verdict.bm25:g}"
    )
    found = f"{shown} example{'s' * (shown != 1)}" if shown else "no example"
    return f"{verdict.reason}; {found} with {needed}"


def _types(verdict: Verdict, best: Evidence, shown: Sequence[ShownExample]) -> tuple[str, ...]:
    """What to ask for when no types were named: those of the text's store, else those of the shown examples."""
    if verdict.route == "in_domain":
        return best.view.types
    return tuple(dict.fromkeys(label for item in shown for label in item.example.labels))
