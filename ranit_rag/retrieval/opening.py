"""The retriever that the settings describe, opened when it is first needed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ranit_rag.config import Settings
from ranit_rag.errors import MissingExtraError
from ranit_rag.progress import progress_bar
from ranit_rag.retrieval.base import NoExamples, Retriever
from ranit_rag.retrieval.embedding import default_embedder, is_outdated
from ranit_rag.retrieval.judge import AskModel, Judge
from ranit_rag.stores import configured_stores, open_stores
from ranit_rag.stores.base import StoreSet
from ranit_rag.stores.seeds import SEED_LANGUAGES, build_seeds, seed_examples, seed_names
from ranit_rag.types import Decision, EntityType

if TYPE_CHECKING:
    from ranit_rag.retrieval.retriever import Candidate, StoreRetriever

_BUILT = "seeds-built"
_CACHE = "cache"


class StoresAsConfigured:
    """A ``Retriever`` over the stores given or named by ``settings``; nothing is opened before the first text.

    Where neither says which stores, those in the home folder are used, and the bundled seed stores are built there,
    once: one that is deleted stays away. The first text of a language waits for those in that language, which are all
    that it can be shown; ``stores`` for all of them. Without an embedding model for them no examples are shown, and
    the decisions say so. ``ask`` answers a prompt, for the judge ``llm``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stores: StoreSet | str | Path | None = None,
        judge: str | Judge | None = None,
        ask: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._given = stores
        self._judge = judge if judge is not None else settings.judge
        self._ask = ask
        self._stores: StoreSet | None = None
        self._retriever: StoreRetriever | None = None
        self._built: set[str] = set()  # languages whose seed stores need no thought any more
        self._lock = threading.RLock()

    @property
    def judge(self) -> str:
        """The name of the judge; of a callable, where it is defined."""
        judge = self._judge
        return judge if isinstance(judge, str) else str(getattr(judge, "__qualname__", type(judge).__qualname__))

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
        """See ``Retriever``. Raises StoreError where the stores cannot be opened."""
        return self.opened(language).decide(texts, types, language=language)

    def pool(self, text: str, *, language: str) -> list[Candidate]:
        """See ``StoreRetriever``; empty where no store is used. Raises StoreError where they cannot be opened."""
        from ranit_rag.retrieval.retriever import StoreRetriever

        opened = self.opened(language)
        return opened.pool(text, language=language) if isinstance(opened, StoreRetriever) else []

    @property
    def stores(self) -> StoreSet:
        """The stores themselves, whatever the judge. Raises StoreError, and MissingExtraError for the seed stores."""
        return self._open_stores(None)

    def opened(self, language: str) -> Retriever:
        """The retriever itself for texts in a language, opened if it was not."""
        if self._judge == "never":
            return NoExamples("examples are never shown")
        try:
            # A domain that is set may be one in another language than the text's.
            stores = self._open_stores(language if self._settings.domain is None else None)
        except MissingExtraError as error:
            return NoExamples(f"no examples: {error} ({error.hint})")
        with self._lock:
            if self._retriever is None:
                self._retriever = self._open(stores)
            return self._retriever

    def _open(self, stores: StoreSet) -> StoreRetriever:
        from ranit_rag.retrieval.retriever import StoreRetriever

        return StoreRetriever(
            stores,
            judge=AskModel(self._ask) if self._judge == "llm" else self._judge,
            strategy=self._settings.strategy,
            k=self._settings.k,
            domain=self._settings.domain,
            cache=self._settings.home / _CACHE,
        )

    def _open_stores(self, language: str | None) -> StoreSet:
        """The stores, with the seed stores of a language, or of all, if there are to be any."""
        with self._lock:
            if self._stores is None:
                self._stores = self._configured()
            if self._given is None and self._settings.stores is None:
                self._build_seeds(self._stores, language)
            return self._stores

    def _configured(self) -> StoreSet:
        if self._given is None:
            return configured_stores(self._settings)
        return open_stores(str(self._given)) if isinstance(self._given, str | Path) else self._given

    def _build_seeds(self, stores: StoreSet, language: str | None) -> None:
        if language in self._built:
            return
        for each in SEED_LANGUAGES:
            if each not in self._built and (each == language or language not in SEED_LANGUAGES):
                _build_seeds_once(stores, self._settings.home, each)
                self._built.add(each)


def _build_seeds_once(stores: StoreSet, home: Path, language: str) -> None:
    mark = home / f"{_BUILT}-{language}"
    if mark.exists() or (home / _BUILT).exists():  # without a language: an earlier version built them all together
        _renew_seeds(stores, language)
        return
    total = sum(len(seed_examples(name)) for name in seed_names([language]))
    with progress_bar("examples into the seed stores, once", shown=sys.stderr.isatty(), total=total) as bar:
        built = build_seeds(stores, default_embedder, languages=[language], on_progress=bar.show)
    mark.write_text("\n".join(built) + "\n", encoding="utf-8")


def _renew_seeds(stores: StoreSet, language: str) -> None:
    """Make anew the seed stores whose vectors another version of the embedded model made, unless they hold more."""
    there = set(stores.names()) & set(seed_names([language]))
    outdated = {name: stores.open(name) for name in there if is_outdated(stores.open(name).embedding.name)}
    for name, store in outdated.items():
        seeds = seed_examples(name)
        if {example.text for example in store.snapshot().examples} <= {example.text for example in seeds}:
            stores.delete(name)
            stores.open(name, default_embedder(language), create=True).add(seeds)
