"""Embedding for many threads: one call for what waits, and yet to each its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ranit_rag.retrieval.together import TEXTS_AT_ONCE, TogetherEmbedder
from ranit_rag.stores.snapshot import Vectors


class GatedEmbedder:
    """A text's vector holds its length. Remembers its calls, waits in each until it is let, refuses ``poison``."""

    name = "gated"
    dimension = 1

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.let = threading.Event()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        self.let.wait(20)
        if "poison" in texts:
            raise ValueError("poisoned")
        return np.array([[len(text)] for text in texts], dtype=np.float32).reshape(len(texts), 1)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def ask_behind(gated: GatedEmbedder, asked: Sequence[Sequence[str]]) -> list[Vectors | BaseException]:
    """What each thread gets that asks in this order while a call is running."""
    together = TogetherEmbedder(gated)
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        first = pool.submit(together.embed, ["first"])
        until(lambda: len(gated.calls) == 1)
        rest = []
        for i, texts in enumerate(asked):
            rest.append(pool.submit(together.embed, texts))
            until(lambda i=i: len(together._waiting) == i + 1)  # type: ignore[misc]
        gated.let.set()
        assert first.result().tolist() == [[5.0]]
        return [each.exception() or each.result() for each in rest]


def test_what_threads_ask_during_a_call_is_the_next_call_and_each_gets_its_own() -> None:
    gated = GatedEmbedder()
    found = ask_behind(gated, [["a", "bb"], [], ["ccc"]])
    assert gated.calls == [["first"], ["a", "bb", "ccc"]]
    assert [np.asarray(vectors).tolist() for vectors in found] == [[[1.0], [2.0]], [], [[3.0]]]
    assert np.asarray(found[1]).shape == (0, 1)


def test_an_error_reaches_only_the_thread_that_causes_it() -> None:
    one, poisoned, two = ask_behind(GatedEmbedder(), [["a"], ["poison"], ["bb"]])
    assert isinstance(poisoned, ValueError)
    assert [np.asarray(one).tolist(), np.asarray(two).tolist()] == [[[1.0]], [[2.0]]]


def test_a_text_waits_for_few_others() -> None:
    gated = GatedEmbedder()
    ask_behind(gated, [["a"], ["b"] * TEXTS_AT_ONCE, ["c"], ["d"] * (TEXTS_AT_ONCE - 1)])
    assert [len(call) for call in gated.calls] == [1, 1, TEXTS_AT_ONCE, TEXTS_AT_ONCE]


def test_alone_it_is_the_embedder_itself() -> None:
    gated = GatedEmbedder()
    gated.let.set()
    together = TogetherEmbedder(gated)
    assert (together.name, together.dimension) == ("gated", 1)
    assert together.embed(["aaa"]).tolist() == [[3.0]]
    with pytest.raises(ValueError, match="poisoned"):
        together.embed(["poison"])
    assert together.embed([]).shape == (0, 1)


def test_an_interrupted_thread_leaves_the_others_to_the_next() -> None:
    class Interrupted(GatedEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            vectors = super().embed(texts)
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return vectors

    gated = Interrupted()
    one, two = ask_behind(gated, [["a"], ["bb"]])
    assert sorted(map(str, (type(one), type(two)))) == sorted(map(str, (KeyboardInterrupt, np.ndarray)))
    assert gated.calls[1:] == [["a", "bb"], ["a", "bb"]]
