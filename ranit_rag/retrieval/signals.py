"""The signals of texts against stores, and their sum, which ranks the stores.

    score(x, T, D) = text(x, D) + 0.4 · wording(x, D) + 2 · types(T, D)

``text`` is the mean cosine of the three nearest examples, measured from what unrelated texts have in that embedding (0)
to equality (1), so that nothing depends on an embedding model's scale. Only the eight stores that come first when the
cosine to their prototype stands for ``text`` are searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.background import general_texts
from ranit_rag.retrieval.kept_vectors import KeptVectors
from ranit_rag.retrieval.type_match import Request, TypeSpace
from ranit_rag.retrieval.view import TEXT_NEIGHBOURS, StoreView, general_probes
from ranit_rag.retrieval.wording import grams
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors

WORDING_WEIGHT = 0.4
TYPES_WEIGHT = 2.0
SEARCHED = 8  # stores whose examples are compared with a text

Kind = Literal["untyped", "common", "specific"]
"""How much a request says of its domain decides how sure one can be: each kind is calibrated by itself."""
KINDS: tuple[Kind, ...] = get_args(Kind)
MOSTLY_COMMON = 0.7  # mean commonness from which a request is of the common kind

Array = NDArray[np.float64]


class Space:
    """One embedding and one language: what is comparable.

    The vectors of the bundled texts are kept in the folder ``cache``, where one is given.
    """

    def __init__(self, embedder: Embedder, language: str, *, cache: Path | None = None) -> None:
        self.embedder = embedder
        self.language = language
        bundled = embedder if cache is None else KeptVectors(embedder, cache)
        self.types = TypeSpace(embedder, language, bundled=bundled)
        vectors = bundled.embed([item.text for item in general_texts(language)])
        self.general = general_probes(vectors, language)
        count = len(vectors)
        self._zero = float(((vectors @ vectors.T).sum() - count) / (count * (count - 1)))

    def scaled(self, cosines: Array) -> Array:
        """0 for unrelated texts, 1 for equal ones."""
        return (cosines - self._zero) / (1 - self._zero)

    def kinds(self, requests: Sequence[Request]) -> list[Kind]:
        names = tuple(dict.fromkeys(name for request in requests for name in request))
        common = dict(zip(names, self.types.commonness(names).tolist(), strict=True))
        return [
            "untyped" if not r else "common" if sum(common[n] for n in r) >= MOSTLY_COMMON * len(r) else "specific"
            for r in requests
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What speaks for one store as the home of a text. ``rows`` and ``similarities``: its nearest examples, best first.

    ``text`` is the mean cosine of the three nearest as it is, ``types`` None where none was asked.
    """

    view: StoreView
    text: float
    wording: float
    types: float | None
    score: float
    rows: NDArray[np.intp]
    similarities: NDArray[np.float32]

    @property
    def store(self) -> str:
        return self.view.name


def gather(
    space: Space, views: Sequence[StoreView], texts: Sequence[str], vectors: Vectors, request: Request, pool: int
) -> list[list[Evidence]]:
    """The evidence for each text, best store first, with up to ``pool`` neighbours in each. No view is empty."""
    found = [grams(text, space.language) for text in texts]
    wording = np.stack([view.wording.scores(found) for view in views], axis=1)
    types = space.types.scores([request], [view.types for view in views])[0]
    weighted = TYPES_WEIGHT * types
    prototypes = np.stack([view.prototype_similarities(vectors) for view in views], axis=1)
    searched = leading(space.scaled(prototypes) + WORDING_WEIGHT * wording + weighted)
    evidence: list[list[Evidence]] = [[] for _ in texts]
    for column, view in enumerate(views):
        rows = np.flatnonzero(searched[:, column])
        if not len(rows):
            continue
        near = view.snapshot.nearest(vectors[rows], pool)
        text = near.similarities[:, :TEXT_NEIGHBOURS].mean(axis=1, dtype=np.float64)
        scores = space.scaled(text) + WORDING_WEIGHT * wording[rows, column] + weighted[column]
        for place, row in enumerate(rows):
            evidence[row].append(
                Evidence(
                    view,
                    float(text[place]),
                    float(wording[row, column]),
                    float(types[column]) if request else None,
                    float(scores[place]),
                    near.rows[place],
                    near.similarities[place],
                )
            )
    return [sorted(items, key=lambda item: -item.score) for items in evidence]


def leading(scores: Array) -> NDArray[np.bool_]:
    """Which stores are searched, given each text's first impression of them: ``[texts, stores]``."""
    leads = np.ones(scores.shape, dtype=np.bool_)
    if scores.shape[1] > SEARCHED:
        np.put_along_axis(leads, np.argsort(-scores, axis=1)[:, SEARCHED:], False, axis=1)
    return leads
