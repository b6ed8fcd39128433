"""Stores of the three small domains."""

from __future__ import annotations

import pytest
from worded_domains import Fill, HashedWords, example

from ranit_rag.stores.memory import MemoryStores


@pytest.fixture
def embedder() -> HashedWords:
    return HashedWords()


@pytest.fixture
def fill(embedder: HashedWords) -> Fill:
    """Stores with so many examples of each domain: ``fill(medicine=60, money=60)``."""

    def make(**sizes: int) -> MemoryStores:
        stores = MemoryStores()
        for domain, size in sizes.items():
            stores.open(domain, embedder, create=True).add([example(domain, number) for number in range(size)])
        return stores

    return make
