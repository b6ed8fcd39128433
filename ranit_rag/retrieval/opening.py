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
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.retrieval.judge import AskModel, Judge
from ranit_rag.stores import configured_stores, open_stores
from ranit_rag.stores.base import StoreSet
from ranit_rag.stores.seeds import build_seeds, seed_examples, seed_names
from ranit_rag.types import Decision, EntityType

if TYPE_CHECKING:
    from ranit_rag.retrieval.retriever import Candidate

_BUILT = "seeds-built"


class StoresAsConfigured:
    """A ``Retriever`` over the stores given or named by ``settings``; nothing is opened before the first text.

    Where neither says which stores, those in the home folder are used, and on first use the bundled seed stores are
    built there, once: one that is deleted stays away. Without an embedding model for them no examples are shown, and
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
        self._stores = stores
        self._judge = judge if judge is not None else settings.judge
        self._ask = ask
        self._opened: Retriever | None = None
        self._open_set: StoreSet | None = None
        self._lock = threading.RLock()

    @property
    def judge(self) -> str:
        """The name of the judge; of a callable, where it is defined."""
        judge = self._judge
        return judge if isinstance(judge, str) else str(getattr(judge, "__qualname__", type(judge).__qualname__))

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
        """See ``Retriever``. Raises StoreError where the stores cannot be opened."""
        return self.opened().decide(texts, types, language=language)

    def pool(self, text: str, *, language: str) -> list[Candidate]:
        """See ``StoreRetriever``; empty where no store is used. Raises StoreError where they cannot be opened."""
        from ranit_rag.retrieval.retriever import StoreRetriever

        opened = self.opened()
        return opened.pool(text, language=language) if isinstance(opened, StoreRetriever) else []

    @property
    def stores(self) -> StoreSet:
        """The stores themselves, whatever the judge. Raises StoreError, and MissingExtraError for the seed stores."""
        with self._lock:
            if self._open_set is None:
                self._open_set = self._open_stores()
            return self._open_set

    def opened(self) -> Retriever:
        """The retriever itself, opened if it was not."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Retriever:
        if self._judge == "never":
            return NoExamples("examples are never shown")
        from ranit_rag.retrieval.retriever import StoreRetriever

        try:
            stores = self.stores
        except MissingExtraError as error:
            return NoExamples(f"no examples: {error} ({error.hint})")
        return StoreRetriever(
            stores,
            judge=AskModel(self._ask) if self._judge == "llm" else self._judge,
            strategy=self._settings.strategy,
            k=self._settings.k,
            domain=self._settings.domain,
        )

    def _open_stores(self) -> StoreSet:
        if isinstance(self._stores, str | Path):
            return open_stores(str(self._stores))
        if self._stores is not None:
            return self._stores
        stores = configured_stores(self._settings)
        if self._settings.stores is None:
            _build_seeds_once(stores, self._settings.home)
        return stores


def _build_seeds_once(stores: StoreSet, home: Path) -> None:
    mark = home / _BUILT
    if mark.exists():
        return
    total = sum(len(seed_examples(name)) for name in seed_names())
    with progress_bar("examples into the seed stores, once", shown=sys.stderr.isatty(), total=total) as bar:
        built = build_seeds(stores, default_embedder, on_progress=bar.show)
    mark.write_text("\n".join(built) + "\n", encoding="utf-8")
