"""What notebooks show of stores."""

from __future__ import annotations

from collections.abc import Iterator

from ranit_rag.errors import RanitError
from ranit_rag.html import StoreCard, store_fragment, stores_fragment
from ranit_rag.stores.base import ExampleStore, StoreSet, StoreStats, store_stats

SHOWN = 3  # examples of a store


def store_html(store: ExampleStore) -> str:
    """What is in a store, with a few of its examples from the beginning, the middle and the end."""
    examples = store.snapshot().examples
    rows = sorted({0, len(examples) // 2, len(examples) - 1})[:SHOWN] if examples else []
    return store_fragment(_card(store_stats(store)), [examples[row] for row in rows])


def stats_html(stats: StoreStats) -> str:
    """What was counted."""
    return store_fragment(_card(stats))


def stores_html(stores: StoreSet) -> str:
    """The list of the stores; one that cannot be read says why."""
    return stores_fragment(list(_cards(stores)))


def _cards(stores: StoreSet) -> Iterator[StoreCard]:
    for name in stores.names():
        try:
            yield _card(store_stats(stores.open(name)))
        except RanitError as error:
            yield StoreCard(name, problem=f"unusable: {error.message}")


def _card(stats: StoreStats) -> StoreCard:
    problem = f"unfinished: {stats.unfinished}" if stats.unfinished else ""
    return StoreCard(stats.domain, stats.examples, stats.types, stats.languages, stats.embedding.name, problem)
