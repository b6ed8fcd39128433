"""How well the requested types fit those of a store.

    types(T, D) = mean over t in T of max(best(t, D), 0.95 · common(t))

best(t, D) is 1 where D has a type of that name; else the fourth power of the greatest cosine between the names,
measured from what unrelated names have in that embedding (0) to equality (1). common(t) is the same against the types
that anybody may ask of any text: a store without ``person`` is near to a request for persons, one without
``enzyme`` is far from a request for enzymes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.background import common_types, general_texts
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.text.language import detect_language

SHARPNESS = 4
COMMON_WEIGHT = 0.95
REMEMBERED = 4096  # type names whose vectors are kept, and comparisons

Request = tuple[str, ...]


class TypeSpace:
    """Compares type names of one language in one embedding; ``bundled`` embeds those that come with RANIT."""

    def __init__(self, embedder: Embedder, language: str, *, bundled: Embedder | None = None) -> None:
        self._embedder = embedder
        self._language = language
        self._lock = threading.Lock()
        self._common = common_types(language)
        self.likeness = lru_cache(REMEMBERED)(self._likeness)
        general = sorted({name for item in general_texts(language) for name in item.types})
        names = list(dict.fromkeys([*general, *self._common]))
        self._known = OrderedDict(zip(names, (bundled or embedder).embed(names), strict=True))
        unrelated = self.vectors(general)
        count = len(unrelated)
        self._zero = float(((unrelated @ unrelated.T).sum() - count) / (count * (count - 1)))

    def vectors(self, names: Sequence[str]) -> Vectors:
        """float32 ``[len(names), d]``; only names not seen lately are embedded."""
        with self._lock:
            new = [name for name in dict.fromkeys(names) if name not in self._known]
            if new:
                self._known.update(zip(new, self._embedder.embed(new), strict=True))
            vectors = np.array([self._known[name] for name in names], dtype=np.float32)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return vectors.reshape(len(names), -1)

    def _likeness(self, names: Request, others: Request) -> NDArray[np.float64]:
        """``[names]``: the best likeness of each name to any of the others, 0 to 1. Not to be written to."""
        if not names or not others:
            return np.zeros(len(names))
        cosines = (self.vectors(names) @ self.vectors(others).T).max(axis=1).astype(np.float64)
        scaled = np.clip((cosines - self._zero) / (1 - self._zero), 0.0, 1.0) ** SHARPNESS
        same = {name.casefold() for name in others}
        return np.where([name.casefold() in same for name in names], 1.0, scaled)

    def commonness(self, names: Request) -> NDArray[np.float64]:
        """``[names]``: how like each is to a type that anybody may ask of any text."""
        return self.likeness(names, self._common)

    def telling(self, names: Sequence[str], stores: Sequence[Request]) -> Request:
        """The names that can be compared: in the language of the texts, or a name that some store has."""
        foreign = [name for name in names if detect_language(name) != self._language]
        unknown = set(foreign) - {name for types in stores for name in types} if foreign else ()
        return tuple(name for name in names if name not in unknown)

    def scores(self, requests: Sequence[Request], stores: Sequence[Request]) -> NDArray[np.float64]:
        """``types(T, D)`` of each request and store, 0 where no type is asked: ``[requests, stores]``."""
        names = tuple(dict.fromkeys(name for request in requests for name in request))
        scores = np.zeros((len(requests), len(stores)))
        if not names:
            return scores
        best = np.stack([self.likeness(names, types) for types in stores], axis=1)
        fit = np.maximum(best, COMMON_WEIGHT * self.commonness(names)[:, None])
        place = {name: row for row, name in enumerate(names)}
        means = {r: fit[[place[name] for name in r]].mean(axis=0) for r in set(requests) if r}
        for row, request in enumerate(requests):
            if request:
                scores[row] = means[request]
        return scores
