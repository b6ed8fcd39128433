"""How a pool becomes the shown examples: the seven strategies of the paper."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, TypeVar, get_args

from ranit_rag.errors import InputError

Strategy = Literal["nn", "nn_bm25", "diverse_nn", "diverse_nn_bm25", "bm25_rank", "random", "mixed"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
NEAREST_SHARE = 0.8  # of the texts for which ``mixed`` shows the nearest, as in the paper

Item = TypeVar("Item")
Scores = Callable[[Sequence[Item]], Sequence[float]]


def check_strategy(name: str) -> Strategy:
    """The strategy of this name. Raises InputError for any other."""
    for strategy in STRATEGIES:
        if name == strategy:
            return strategy
    raise InputError(f"{name!r} is not a strategy", hint=f"strategies are {', '.join(STRATEGIES)}")


def choose(
    strategy: Strategy,
    pool: Sequence[Item],
    *,
    k: int,
    rng: random.Random,
    bm25: Scores[Item],
    threshold: float,
    strangers: Iterable[Item] = (),
    accept: Callable[[Item], bool] = lambda _: True,
) -> list[Item]:
    """At most ``k`` items, in the order in which they should be listed.

    ``pool``: nearest first. ``nn`` takes its first ones, ``diverse_nn`` draws from all of it, ``bm25_rank`` takes those
    that ``bm25`` scores best. ``random`` takes the first of ``strangers`` (the whole store in random order); ``mixed``
    does so for one text in five. An item that ``accept`` refuses is passed over and the next one takes its place; one
    that is taken by a strategy with ``_bm25`` and scores less than ``threshold`` is dropped without replacement.
    """
    chosen = list(islice(filter(accept, _order(strategy, pool, rng, bm25, strangers)), k))
    if strategy.startswith("diverse_nn"):
        rank = {id(item): place for place, item in enumerate(pool)}
        chosen.sort(key=lambda item: rank[id(item)])
    if strategy.endswith("_bm25"):
        return [item for item, score in zip(chosen, bm25(chosen), strict=True) if score >= threshold]
    return chosen


def _order(
    strategy: Strategy, pool: Sequence[Item], rng: random.Random, bm25: Scores[Item], strangers: Iterable[Item]
) -> Iterator[Item]:
    if strategy == "random" or (strategy == "mixed" and rng.random() >= NEAREST_SHARE):
        return iter(strangers)
    if strategy.startswith("diverse_nn"):
        return iter(rng.sample(pool, len(pool)))
    if strategy == "bm25_rank":
        scores = bm25(pool)
        return iter([pool[place] for place in sorted(range(len(pool)), key=lambda place: -scores[place])])
    return iter(pool)
