"""What the judge knows of a store at one version, computed once; and the members it is calibrated with."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.background import common_types, general_texts
from ranit_rag.retrieval.type_match import Request
from ranit_rag.retrieval.wording import Grams, Wording, grams
from ranit_rag.stores.base import ExampleStore
from ranit_rag.stores.snapshot import Snapshot, Vectors
from ranit_rag.text.language import detect_language

PROBES = 40  # members of each store that are routed as if they were new texts
READ = 2000  # examples at most from which the wording and the language of a store are learned
SPOKEN = 0.2  # share of its examples in a language from which a store serves texts in it
TYPES_ASKED = 4
COMMON_ASKED = 2
COMMON_TRIED = 6  # the first of the common types, those that are most often asked
TEXT_NEIGHBOURS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Texts whose right store is known: members of one, or the general text that belongs to none.

    ``rows`` are their positions in their store's snapshot, None for general text. ``requests`` holds three for each
    text: types of its own domain, common types, none.
    """

    rows: NDArray[np.intp] | None
    vectors: Vectors
    grams: Sequence[Grams]
    requests: tuple[Sequence[Request], ...]

    def __len__(self) -> int:
        return len(self.grams)


class StoreView:
    """A store's snapshot with what was learned from it, as texts of one ``language`` see it."""

    def __init__(self, store: ExampleStore, snapshot: Snapshot, language: str) -> None:
        self.name = store.name
        self.embedding = store.embedding.name
        self.language = language
        self._store = store
        self.snapshot = snapshot
        self.key = (store.name, snapshot.version)

    def __len__(self) -> int:
        return len(self.snapshot)

    @property
    def threshold(self) -> float | None:
        """What ``ranit store calibrate`` noted with the store; it may change without a new version."""
        value: float | None = self._store.notes.get("threshold")
        return value

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Rows spread evenly over the store."""
        return np.unique(np.linspace(0, len(self) - 1, min(len(self), READ)).astype(np.intp))

    @cached_property
    def speaks(self) -> bool:
        """Whether a fair share of the examples is in the language."""
        examples = [self.snapshot.examples[row] for row in self.sample]
        spoken = sum((item.language or detect_language(item.text)) == self.language for item in examples)
        return bool(spoken >= SPOKEN * len(examples))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types that occur, most frequent first."""
        counts = Counter(entity.label for example in self.snapshot.examples for entity in example.entities)
        return tuple(label for label, _ in counts.most_common())

    @cached_property
    def sum(self) -> NDArray[np.float64]:
        total: NDArray[np.float64] = self.snapshot.vectors.sum(axis=0, dtype=np.float64)
        return total

    @cached_property
    def prototype(self) -> Vectors:
        """The mean of the store's vectors, of length 1."""
        return (self.sum / max(float(np.linalg.norm(self.sum)), 1e-12)).astype(np.float32)

    @cached_property
    def wording(self) -> Wording:
        return Wording((self.snapshot.examples[row].text for row in self.sample), self.language)

    @cached_property
    def probes(self) -> Probes:
        rows = self.sample[
            np.unique(np.linspace(0, len(self.sample) - 1, min(PROBES, len(self.sample))).astype(np.intp))
        ]
        texts = [self.snapshot.examples[row].text for row in rows]
        rng = random.Random(f"{self.name}\n{len(self)}")
        own = [tuple(rng.sample(self.types, min(TYPES_ASKED, len(self.types)))) for _ in rows]
        found = [grams(text, self.language) for text in texts]
        return Probes(rows, self.snapshot.vectors[rows], found, requests(own, self.language, rng))

    def similarities(self, queries: Vectors, left_out: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """``text(x, D)`` of each query: the mean cosine of its three nearest examples, but for its own row."""
        count = TEXT_NEIGHBOURS + (left_out is not None)
        found = self.snapshot.nearest(queries, count)
        cosines = found.similarities.astype(np.float64)
        if left_out is not None:
            own = found.rows == left_out[:, None]
            own[~own.any(axis=1), -1] = True  # among many equals the text itself may not be listed: drop any
            cosines = cosines[~own].reshape(len(queries), -1)
        return cosines.mean(axis=1) if cosines.size else np.zeros(len(queries))

    def prototype_similarities(self, queries: Vectors, *, members: bool = False) -> NDArray[np.float64]:
        """The cosine of each query to the prototype; ``members`` are taken out of it first."""
        if not members:
            return (queries @ self.prototype).astype(np.float64)
        rest = self.sum - queries
        lengths = np.maximum(np.linalg.norm(rest, axis=1), 1e-12)
        cosines: NDArray[np.float64] = (rest * queries).sum(axis=1) / lengths
        return cosines


def requests(own: Sequence[Request], language: str, rng: random.Random) -> tuple[Sequence[Request], ...]:
    """The three requests that are tried for each text."""
    common = [tuple(rng.sample(common_types(language)[:COMMON_TRIED], COMMON_ASKED)) for _ in own]
    return own, common, [()] * len(own)


def general_probes(vectors: Vectors, language: str) -> Probes:
    """The bundled general text as probes; ``vectors`` embed its sentences."""
    items = general_texts(language)
    own = [item.types for item in items]
    found = [grams(item.text, language) for item in items]
    return Probes(None, vectors, found, requests(own, language, random.Random(language)))
