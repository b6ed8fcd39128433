"""P(in domain), learned from the stores themselves, with no labels.

Members of every store are routed as if they were new, left out of their own store's statistics. With their store
there, they show what being in domain looks like; with their store hidden, they and a general text show what it does
not. A logistic regression for each kind of request turns the best store's score, its margin over the runner-up and its
size into a probability:

    P = σ(w · (1, score + 0.3 · margin, log10 size)),   margin = score - max(runner-up's score, floor)

where the floor is the median of what general text scores with its best store. The prior of w is what was learned on
public data sets, so that one store or two suffice. What was computed for a pair of stores is kept until one changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ranit_rag.retrieval.signals import KINDS, TYPES_WEIGHT, WORDING_WEIGHT, Array, Kind, Space, leading
from ranit_rag.retrieval.view import Probes, StoreView

PRIOR: dict[Kind, Array] = {
    "untyped": np.array([-3.5, 9.0, 0.0]),
    "common": np.array([-19.5, 9.0, 0.0]),
    "specific": np.array([-14.0, 7.5, 0.0]),
}
PRIOR_STRENGTH = np.array([0.1, 30.0, 100.0])
MARGIN_WEIGHT = 0.3  # more would refuse the texts of two stores that overlap
GENERAL_SHARE = 0.1  # of the weight of what is not in domain, where stores are hidden as well
NO_STORE = -1e9
REQUESTS = 3  # that each probe carries
ENOUGH_STORES = 4  # to set a threshold as if the domain of one were new

Key = tuple[str, int]
"""A store's name and version; the general text goes under a name that no store can have."""
GENERAL: Key = ("", 0)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One kind of request: the weights, the floor of the margin, and the texts without a store of theirs.

    ``outside`` holds their scores, ``[texts, stores]``, with ``owner`` the hidden store of each, and ``sizes`` those of
    the stores. Where there is but one store they are general text, whose owner is no store.
    """

    weights: Array
    floor: float
    outside: Array
    owner: NDArray[np.intp]
    sizes: NDArray[np.intp]

    def probability(self, score: float, margin: float, size: int) -> float:
        return float(sigmoid(self.weights @ np.array([1.0, score + MARGIN_WEIGHT * margin, np.log10(size)])))

    @lru_cache(maxsize=16)  # noqa: B019 — a fit is small, and asked for the same rate with each text
    def threshold(self, false_rate: float) -> float:
        """The probability that no more than this share of the texts without a store of theirs reaches.

        A text's domain is news to the threshold, so it is set as if each store's domain in turn were: from the texts
        of the others, with that store hidden from them as well. The share that works out at the wanted one is taken.
        """
        reached = self._reached(self.outside)
        stores = np.unique(self.owner)
        if len(stores) < ENOUGH_STORES:
            return _upper(reached, false_rate)
        news = []
        for store in stores:
            others = self.outside[self.owner != store]
            others = np.where(np.arange(others.shape[1]) == store, NO_STORE, others)
            news.append((np.sort(self._reached(others)), reached[self.owner == store]))
        for share in np.linspace(1.0, 0.0, 41) * false_rate:
            if np.mean([(own >= _upper(others, share)).mean() for others, own in news]) <= false_rate:
                return _upper(reached, float(share))
        return 1.0

    def _reached(self, scores: Array) -> Array:
        return sigmoid(_features(scores, self.floor, self.sizes) @ self.weights)


def _upper(reached: Array, share: float) -> float:
    """The least value that no more than this share of those reached."""
    kept = int((1 - share) * len(reached))
    return float(np.nextafter(np.partition(reached, kept - 1)[kept - 1], 2.0)) if kept else 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """``left_out`` holds for each store the text similarities of its own members, ascending: p-values come from it."""

    fits: dict[Kind, Fit]
    left_out: dict[str, Array]

    def p_value(self, store: str, text: float) -> float:
        """The share of the store's members that are no nearer to the others than a text of this similarity."""
        members = self.left_out[store]
        return float((1 + np.searchsorted(members, text, side="right")) / (1 + len(members)))


class Calibrator:
    """Calibrates stores of one space; keeps what it computed for each pair of them."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._wording: dict[tuple[Key, Key], Array] = {}
        self._text: dict[tuple[Key, Key], Array] = {}

    def calibrate(self, views: Sequence[StoreView]) -> Calibration:
        groups: list[tuple[Key, Probes]] = [(view.key, view.probes) for view in views]
        groups.append((GENERAL, self._space.general))
        owner = np.concatenate([np.full(len(probes), place) for place, (_, probes) in enumerate(groups)])
        first = self._first_impressions(groups, views)
        wording = self._pairs(groups, views, self._words)
        tried = []
        needed = owner[:, None] == np.arange(len(views))
        for style in range(REQUESTS):
            asked = [request for _, probes in groups for request in probes.requests[style]]
            types = TYPES_WEIGHT * self._space.types.scores(asked, [view.types for view in views])
            searched = leading(first + types)
            searched_hidden = leading(_hide(first + types, owner))
            needed |= searched | searched_hidden
            tried.append((np.array(self._space.kinds(asked)), types, searched, searched_hidden))
        text = self._texts(groups, views, needed)
        trials = []
        for kinds, types, searched, searched_hidden in tried:
            scores = self._space.scaled(text) + WORDING_WEIGHT * wording + types
            present = np.where(searched, scores, NO_STORE)
            hidden = _hide(np.where(searched_hidden, scores, NO_STORE), owner)
            trials.append((kinds, present, hidden))
        self._forget({key for key, _ in groups})
        sizes = np.array([len(view) for view in views])
        return Calibration(
            {kind: _fit(kind, trials, owner, sizes) for kind in KINDS},
            {view.name: np.sort(text[owner == place, place]) for place, view in enumerate(views)},
        )

    def _first_impressions(self, groups: Sequence[tuple[Key, Probes]], views: Sequence[StoreView]) -> Array:
        def prototype(key: Key, probes: Probes, view: StoreView) -> Array:
            return view.prototype_similarities(probes.vectors, members=key == view.key)

        prototypes = self._pairs(groups, views, prototype)
        return self._space.scaled(prototypes) + WORDING_WEIGHT * self._pairs(groups, views, self._words)

    def _words(self, key: Key, probes: Probes, view: StoreView) -> Array:
        pair = (key, view.key)
        if pair not in self._wording:
            if key == view.key:
                self._wording[pair] = np.array([view.wording.score_left_out(text) for text in probes.grams])
            else:
                self._wording[pair] = view.wording.scores(probes.grams)
        return self._wording[pair]

    @staticmethod
    def _pairs(
        groups: Sequence[tuple[Key, Probes]],
        views: Sequence[StoreView],
        compute: Callable[[Key, Probes, StoreView], Array],
    ) -> Array:
        """``[probes, stores]`` from the part of each pair."""
        return np.concatenate([np.stack([compute(*group, view) for view in views], axis=1) for group in groups])

    def _texts(
        self, groups: Sequence[tuple[Key, Probes]], views: Sequence[StoreView], needed: NDArray[np.bool_]
    ) -> Array:
        """The text similarities that are needed; the others are whatever is known, or NaN."""
        text = np.empty(needed.shape)
        start = 0
        for key, probes in groups:
            part = slice(start, start := start + len(probes))
            for column, view in enumerate(views):
                known = self._text.setdefault((key, view.key), np.full(len(probes), np.nan))
                rows = np.flatnonzero(needed[part, column] & np.isnan(known))
                if len(rows):
                    left_out = probes.rows[rows] if key == view.key and probes.rows is not None else None
                    known[rows] = view.similarities(probes.vectors[rows], left_out)
                text[part, column] = known
        return text

    def _forget(self, alive: set[Key]) -> None:
        for kept in (self._wording, self._text):
            for pair in [pair for pair in kept if not alive.issuperset(pair)]:
                del kept[pair]


def _hide(scores: Array, owner: NDArray[np.intp]) -> Array:
    """The scores with each member's own store hidden; general text has none."""
    return np.where(owner[:, None] == np.arange(scores.shape[1]), NO_STORE, scores)


def _fit(
    kind: Kind,
    trials: Sequence[tuple[NDArray[np.str_], Array, Array]],
    owner: NDArray[np.intp],
    sizes: NDArray[np.intp],
) -> Fit:
    """Fit the requests of a kind. ``trials``: kinds, scores with all stores, scores with the own one hidden."""
    present = np.concatenate([scores[kinds == kind] for kinds, scores, _ in trials])
    hidden = np.concatenate([scores[kinds == kind] for kinds, _, scores in trials])
    owners = np.concatenate([owner[kinds == kind] for kinds, _, _ in trials])
    members = owners < len(sizes)
    general = present[~members]
    floor = float(np.median(general.max(axis=1))) if len(general) else 0.0
    inside = _features(present[members], floor, sizes)
    groups = [_features(general, floor, sizes)]
    shares = [1.0]
    if len(sizes) > 1:
        groups.append(_features(hidden[members], floor, sizes))
        shares = [GENERAL_SHARE, 1 - GENERAL_SHARE]
    outside = np.concatenate(groups)
    # As much weight outside as inside: whether a text is in domain is open before it is read.
    each = [share * len(inside) / max(len(group), 1) for group, share in zip(groups, shares, strict=True)]
    weights = np.repeat(each, [len(group) for group in groups])
    fitted = _logistic(
        np.concatenate([inside, outside]),
        np.repeat([1.0, 0.0], [len(inside), len(outside)]),
        np.concatenate([np.ones(len(inside)), weights]),
        PRIOR[kind],
    )
    # Members without their store are harder to refuse than general text; they set the thresholds where there are any.
    refused, of = (hidden[members], owners[members]) if len(sizes) > 1 else (general, owners[~members])
    return Fit(fitted, floor, refused, of, sizes)


def _features(scores: Array, floor: float, sizes: NDArray[np.intp]) -> Array:
    """``[texts, 3]``: 1, the best store's score with its margin, the logarithm of its size."""
    best = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    top = scores[rows, best]
    others = scores.copy()
    others[rows, best] = NO_STORE
    margin = top - np.maximum(others.max(axis=1), floor)
    return np.stack([np.ones(len(scores)), top + MARGIN_WEIGHT * margin, np.log10(sizes[best])], axis=1)


def _logistic(inputs: Array, labels: Array, weights: Array, prior: Array) -> Array:
    """The maximum a posteriori weights under a Gaussian prior, by Newton's method."""
    fitted = prior.copy()
    for _ in range(25):
        p = sigmoid(inputs @ fitted)
        gradient = inputs.T @ (weights * (labels - p)) - PRIOR_STRENGTH * (fitted - prior)
        curvature = (inputs * (weights * p * (1 - p))[:, None]).T @ inputs + np.diag(PRIOR_STRENGTH)
        step = np.linalg.solve(curvature, gradient)
        fitted = fitted + step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-6:
            break
    return fitted


def sigmoid(values: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return result
