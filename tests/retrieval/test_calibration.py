"""The calibration: learned from the stores alone, right on average, and quick when a store changes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from worded_domains import Fill, HashedWords, example

from ranit_rag.retrieval.calibration import Calibrator
from ranit_rag.retrieval.signals import KINDS, Space
from ranit_rag.retrieval.view import StoreView
from ranit_rag.stores.base import StoreSet
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.types import Example


def views(stores: StoreSet) -> list[StoreView]:
    return [StoreView(store, store.snapshot(), "en") for store in map(stores.open, stores.names())]


def test_more_evidence_means_a_higher_probability(fill: Fill, embedder: HashedWords) -> None:
    calibration = Calibrator(Space(embedder, "en")).calibrate(views(fill(medicine=60, money=60, law=60)))
    for kind in KINDS:
        fit = calibration.fits[kind]
        rising = [fit.probability(score, 0.2, 60) for score in np.linspace(-1, 4, 11)]
        assert rising == sorted(rising)
        assert rising[0] < 0.05
        assert rising[-1] > 0.95


def test_what_is_kept_of_other_stores_gives_what_learning_anew_gives(fill: Fill, embedder: HashedWords) -> None:
    """A calibration that went stale would judge by stores that are no longer there."""
    stores = fill(medicine=40, money=40, law=40)
    space = Space(embedder, "en")
    calibrator = Calibrator(space)
    calibrator.calibrate(views(stores))
    stores.open("money").add([example("money", number) for number in range(40, 60)])
    stores.delete("law")
    followed, anew = calibrator.calibrate(views(stores)), Calibrator(space).calibrate(views(stores))
    for kind in KINDS:
        assert followed.fits[kind].weights == pytest.approx(anew.fits[kind].weights)
    assert {name: values.tolist() for name, values in followed.left_out.items()} == {
        name: pytest.approx(values.tolist()) for name, values in anew.left_out.items()
    }


def test_p_values_of_members_are_spread_evenly(fill: Fill, embedder: HashedWords) -> None:
    calibration = Calibrator(Space(embedder, "en")).calibrate(views(fill(medicine=60, money=60)))
    members = calibration.left_out["medicine"]
    assert len(members) == 40
    assert calibration.p_value("medicine", -1.0) == pytest.approx(1 / 41)
    assert calibration.p_value("medicine", 1.1) == 1.0
    assert np.mean([calibration.p_value("medicine", value) for value in members]) == pytest.approx(0.5, abs=0.1)


def test_a_wanted_rate_is_a_share_of_the_texts_without_a_store(fill: Fill, embedder: HashedWords) -> None:
    calibration = Calibrator(Space(embedder, "en")).calibrate(views(fill(medicine=60, money=60, law=60)))
    fit = calibration.fits["untyped"]
    thresholds = [fit.threshold(rate) for rate in (0.0, 0.1, 0.3, 1.0)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] == 0.0


@pytest.mark.timing
def test_a_change_of_one_store_among_thirty_is_learned_in_200_milliseconds(embedder: HashedWords) -> None:
    rng = np.random.default_rng(0)
    stores = MemoryStores()
    for number in range(30):
        texts = [f"{number} " + " ".join(f"w{word}" for word in rng.integers(0, 3000, 20)) for _ in range(500)]
        examples = [
            Example.from_mentions(text, {f"kind {number % 7}": [text.split()[1]]}, language="en") for text in texts
        ]
        vectors = rng.standard_normal((500, embedder.dimension)) + 2 * rng.standard_normal(embedder.dimension)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        stores.open(f"store {number:02}", embedder, create=True).add(examples, vectors=vectors.astype(np.float32))
    calibrator = Calibrator(Space(embedder, "en"))
    known = {view.name: view for view in views(stores)}
    calibrator.calibrate(list(known.values()))
    seconds = []
    for number in range(5):
        store = stores.open("store 07")
        store.add([Example(f"one more text {number}", language="en")])
        started = time.thread_time()  # the machine may be busy
        known["store 07"] = StoreView(store, store.snapshot(), "en")
        calibrator.calibrate(list(known.values()))
        seconds.append(time.thread_time() - started)
    assert min(seconds) <= 0.2, f"seconds: {seconds}"
