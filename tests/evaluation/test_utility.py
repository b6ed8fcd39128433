"""Utility calibration: a store's examples are shown where they help the model, and the texts tried never are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ranit_rag.engines.base import Reply
from ranit_rag.errors import StoreError
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.utility import (
    Trial,
    best_threshold,
    keep_threshold,
    measure_utility,
    score_thresholds,
)
from ranit_rag.prompts.conversation import Conversation
from ranit_rag.retrieval.embedding import load_embedder
from ranit_rag.stores import open_stores
from ranit_rag.stores.base import Embedder, StoreSet
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.testing import ScriptedEngine

NEWS = seed_examples("news")[:30]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder("all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def stores(embedder: Embedder) -> StoreSet:
    stores = open_stores(":memory:")
    stores.open("news", embedder, create=True).add(NEWS)
    stores.open("biomedicine", embedder, create=True).add(seed_examples("biomedicine")[:30])
    return stores


class Reader(ScriptedEngine):
    """Finds everything in news, either only with examples before its eyes or only without."""

    def __init__(self, *, needs_examples: bool) -> None:
        table = {(e.text, label): [x.text for x in e.entities if x.label == label] for e in NEWS for label in e.labels}
        super().__init__(table, context=20_000)
        self.needs_examples = needs_examples
        self.plain = ScriptedEngine({}, context=20_000)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return [
            (super(Reader, self) if shows_examples(c) == self.needs_examples else self.plain).generate([c])[0]
            for c in conversations
        ]


def shown_texts(conversation: Conversation) -> list[str]:
    *before, _ = [turn.content for turn in conversation.prefix if turn.role == "user"]
    return [e.text for e in NEWS if any(e.text in content for content in before)]


def shows_examples(conversation: Conversation) -> bool:
    return bool(shown_texts(conversation))


def test_a_model_that_examples_help_gets_them(stores: StoreSet, embedder: Embedder) -> None:
    report = measure_utility(Reader(needs_examples=True), stores, "news", embedder=embedder, texts=10)
    assert report.f1_with > report.f1_without == 0
    assert report.threshold <= 0.5
    assert report.sampled + report.elsewhere == 10
    assert len(stores.open("news")) == 30, "the store itself must stay"


def test_a_model_that_examples_confuse_does_not(stores: StoreSet, embedder: Embedder) -> None:
    report = measure_utility(Reader(needs_examples=False), stores, "news", embedder=embedder, texts=10)
    assert report.threshold > 0.5
    assert report.f1_without > report.f1_with
    store = stores.open("news")
    keep_threshold(store, report, "a model")
    assert store.notes["threshold"] == report.threshold
    assert store.notes["utility"]["model"] == "a model"


def test_no_text_that_is_tried_is_shown(stores: StoreSet, embedder: Embedder) -> None:
    engine = Reader(needs_examples=True)
    measure_utility(engine, stores, "news", embedder=embedder, texts=12)
    with_examples = engine.conversations
    tried = {e.text for e in NEWS for c in with_examples if e.text in c.prefix[-1].content}
    shown = {text for c in with_examples for text in shown_texts(c)}
    assert shown
    assert not tried & shown


def test_too_small_a_store_is_an_error(embedder: Embedder) -> None:
    stores = open_stores(":memory:")
    stores.open("news", embedder, create=True).add(NEWS[:9])
    with pytest.raises(StoreError, match="too few"):
        measure_utility(ScriptedEngine({}), stores, "news", embedder=embedder)
    with pytest.raises(StoreError, match="no store 'new'"):
        measure_utility(ScriptedEngine({}), stores, "new", embedder=embedder)


def test_the_score_of_a_threshold_mixes_both_extractions() -> None:
    sure = Trial(0.9, Counts(4, 4, 4), Counts(1, 4, 4))  # the examples help
    unsure = Trial(0.6, Counts(0, 4, 4), Counts(4, 4, 4))  # they mislead
    scores = {score.threshold: score for score in score_thresholds([sure, unsure])}
    assert scores[0.0].f1 == pytest.approx(0.5)
    assert (scores[0.75].f1, scores[0.75].shown) == (1.0, 0.5)
    assert (scores[1.0].f1, scores[1.0].shown) == (0.625, 0.0)
    assert best_threshold([sure, unsure] * 20) == pytest.approx(0.65), "of equally good ones the nearest to 0.5"


def test_chance_does_not_move_the_default() -> None:
    neutral = [Trial(0.9, Counts(2, 4, 4), Counts(2, 4, 4))] * 9
    assert best_threshold(neutral) == 0.5
    assert best_threshold([*neutral, Trial(0.9, Counts(2, 4, 4), Counts(3, 4, 4))]) == 0.5
    assert best_threshold([*neutral, *[Trial(0.9, Counts(1, 4, 4), Counts(3, 4, 4))] * 5]) > 0.9
