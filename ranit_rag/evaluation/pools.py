"""The stores that arms take their examples from, and the retriever of each arm."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ranit_rag.evaluation.arms import Arm, nearest
from ranit_rag.evaluation.copies import copied
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.embedding import EmbedsOnce
from ranit_rag.retrieval.base import NoExamples, Retriever
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.retrieval.judge import AskModel, Judge
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.base import Embedder, StoreSet
from ranit_rag.stores.contamination import RepeatIndex
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.types import Example


class Pools:
    """Makes the stores of each arm: the configured ``others``, a set's own pool, or both.

    Own pools of a set are nested: the 8 are among the 32. ``most`` bounds the whole of it. ``embedder_for`` gives the
    embedder of own pools in a language. Stores are kept while the set is the same.
    """

    def __init__(
        self,
        others: StoreSet | None = None,
        *,
        embedder_for: Callable[[str], Embedder] = default_embedder,
        most: int | None = None,
        seed: int = 0,
    ) -> None:
        self._others = others
        self._embedder_for = cache(lambda language: EmbedsOnce(embedder_for(language)))
        self._most = most
        self._seed = seed
        self._set: EvaluationSet | None = None
        self._stores: dict[tuple[int | None, bool], StoreSet] = {}

    def retriever(self, arm: Arm, evaluated: EvaluationSet, ask: Callable[[str], str]) -> Retriever:
        """What chooses examples for the set's texts; ``ask`` answers a prompt, for the judge ``llm``."""
        if arm.judge == "never":
            return NoExamples("examples are never shown")
        stores = self.stores(arm, evaluated)
        judge: str | Judge = arm.judge
        if arm.judge == "nearest":
            judge = nearest
        elif arm.judge == "llm":
            judge = AskModel(ask)
        embedder = self._embedder_for(evaluated.language)
        return StoreRetriever(stores, embedder=embedder, judge=judge, strategy=arm.strategy, k=arm.k, seed=self._seed)

    def stores(self, arm: Arm, evaluated: EvaluationSet) -> StoreSet:
        """The stores of an arm; those that other arms of the set share are the same."""
        if self._set is not evaluated:
            self._set, self._stores = evaluated, {}
        own = self.own(arm, evaluated)
        key = (len(own), arm.others)
        if key not in self._stores:
            self._stores[key] = self._joined(own, arm.others, evaluated)
        return self._stores[key]

    def own(self, arm: Arm, evaluated: EvaluationSet) -> tuple[Example, ...]:
        """The examples of the set's own pool in this arm."""
        sizes = [size for size in (arm.pool, self._most, len(evaluated.own)) if size is not None]
        return evaluated.own[: min(sizes)]

    def repeated(self, evaluated: EvaluationSet) -> int:
        """How many evaluated texts stand in any store, exactly or nearly; none is ever shown for itself."""
        everything = self.stores(Arm(pool=None), evaluated)
        examples = [example for name in everything.names() for example in everything.open(name).snapshot().examples]
        index = RepeatIndex(examples)
        return sum(bool(index.find(example.text)) for example in evaluated.examples)

    def _joined(self, own: tuple[Example, ...], others: bool, evaluated: EvaluationSet) -> StoreSet:
        others_there = self._others if others else None
        if not own:
            return others_there if others_there is not None else MemoryStores()
        stores = copied(others_there) if others_there is not None else MemoryStores()
        name = evaluated.name
        while name in stores.names():  # a configured store of the set's name stays apart
            name += " (own)"
        stores.open(name, self._embedder_for(evaluated.language), create=True).add(own)
        return stores
