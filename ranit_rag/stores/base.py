"""What a store is: the examples of one domain with their embeddings, written by batches and read through snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ranit_rag.errors import StoreError
from ranit_rag.stores.snapshot import Snapshot, Vectors
from ranit_rag.types import Example

Progress = Callable[[int], None]
"""Called after each batch with the number of examples dealt with so far."""


class Embedder(Protocol):
    """Turns texts into vectors. ``name`` is pinned in every store that it fills: another name is another space."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 ``[len(texts), dimension]``, each row of length 1."""
        ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """The embedding model that a store is pinned to."""

    name: str
    dimension: int


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the examples that were given.

    ``replaced``: the text was there with other entities; the new ones count. ``present``: it was there with the same
    entities, nothing changed. ``duplicates``: the text came twice in this call, the first one counts. Texts that
    differ only in case, width and blanks are the same text.
    """

    added: int = 0
    replaced: int = 0
    present: int = 0
    duplicates: int = 0


class ExampleStore(Protocol):
    """The examples of one domain. Safe to use from many threads."""

    @property
    def name(self) -> str:
        """The domain."""
        ...

    @property
    def embedding(self) -> Embedding: ...

    @property
    def version(self) -> int:
        """Rises with every write, also over deletion and a new store of the same name: what was computed from an
        older version is out of date."""
        ...

    @property
    def unfinished(self) -> str:
        """Says which write was cut off in the middle, or nothing. Running it again completes it."""
        ...

    @property
    def notes(self) -> Mapping[str, Any]:
        """Small JSON values kept with the store, such as its calibrated threshold."""
        ...

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value with the store; None removes it. The version stays."""
        ...

    def add(
        self,
        examples: Iterable[Example],
        *,
        vectors: Iterable[Vectors] | None = None,
        on_progress: Progress | None = None,
    ) -> AddReport:
        """Write examples batch by batch, so that memory does not grow with their number.

        ``vectors`` has one row for each example, in their order (an array ``[n, d]`` will do); without it the texts
        that are new are embedded. Raises StoreError; what was written before stays, and the same call completes it.
        """
        ...

    def delete(self, ids: Iterable[str]) -> int:
        """Remove the examples with these ids; returns how many there were."""
        ...

    def snapshot(self) -> Snapshot:
        """All examples and vectors as they are now. Read once for each version, then held in memory."""
        ...

    def records(self) -> Iterator[Example | StoreError]:
        """Every example as it is kept, one after the other and without vectors; a damaged one is an error in its place.

        For copies and checks: it reads what can still be read where ``snapshot`` raises. Nobody should write meanwhile.
        """
        ...

    def __len__(self) -> int: ...


class StoreSet(Protocol):
    """All stores at one place. Names of stores are domains, any text that is not blank."""

    def names(self) -> list[str]:
        """The domains, sorted."""
        ...

    def open(self, name: str, embedder: Embedder | None = None, *, create: bool = False) -> ExampleStore:
        """The store of a domain. The embedder is needed to add texts without vectors, and to create a store.

        Raises StoreError where there is no such store (and it shall not be created), where it is pinned to another
        embedding model or space, or where its place is unreachable or damaged.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a store with all its examples. Raises StoreError where there is none."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a store another name. Raises StoreError where there is no ``old``, or a ``new`` already."""
        ...

    def close(self) -> None:
        """Let go of connections and snapshots."""
        ...


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What is in a store. ``types`` counts the mentions of each type, most frequent first."""

    domain: str
    examples: int
    mentions: int
    types: Mapping[str, int]
    languages: Mapping[str, int]
    embedding: Embedding
    version: int
    unfinished: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.stores.cards import stats_html

        return stats_html(self)


def store_stats(store: ExampleStore) -> StoreStats:
    """Count what is in a store."""
    snapshot = store.snapshot()
    types = Counter(entity.label for example in snapshot.examples for entity in example.entities)
    languages = Counter(example.language for example in snapshot.examples)
    return StoreStats(
        domain=store.name,
        examples=len(snapshot),
        mentions=types.total(),
        types=dict(types.most_common()),
        languages=dict(languages.most_common()),
        embedding=store.embedding,
        version=snapshot.version,
        unfinished=store.unfinished,
        notes=dict(store.notes),
    )
