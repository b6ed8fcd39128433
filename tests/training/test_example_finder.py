"""Examples for training: the strategies of inference, over many records, and never the record itself."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from ranit_rag.errors import InputError
from ranit_rag.retrieval.bm25 import Bm25, example_words
from ranit_rag.text.duplicates import near_duplicate
from ranit_rag.types import Example
from ranit_training.augment import ExampleFinder, Retrieval, examples

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("ra", "lo", "min", "tek")]
RNG = np.random.default_rng(3)


def example(number: int) -> Example:
    words = RNG.choice(WORDS[:60] if number % 2 else WORDS[60:], 12)
    return Example.from_mentions(" ".join(words), {"word": [str(words[0])]}, id=str(number))


RECORDS = [example(number) for number in range(120)]
TABLE = {word: RNG.standard_normal(24) for word in WORDS}
VECTORS = np.array([np.sum([TABLE[word] for word in r.text.split()], axis=0) for r in RECORDS], np.float32)


def shown(
    strategy: str, records: list[Example] = RECORDS, vectors: np.ndarray = VECTORS, **options: object
) -> list[list[str]]:
    retrieval = Retrieval(strategy, **{"pool": 40, "threshold": 9.0, **options})  # type: ignore[arg-type]
    return [[e.id for e in item.examples] for item in ExampleFinder(records, vectors, retrieval).find()]


def nearest() -> list[list[str]]:
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    return [[str(row) for row in np.argsort(-cosines[i])[:40]] for i in range(len(RECORDS))]


@cache
def scores(number: int) -> list[float]:
    words = [example_words(r.text, "en") for r in RECORDS]
    return Bm25(words).scores(words[number], np.arange(len(RECORDS))).tolist()


def test_nn_shows_the_nearest() -> None:
    assert shown("nn") == [rows[:2] for rows in nearest()]


def test_nn_bm25_drops_what_shares_too_few_words() -> None:
    for number, (found, rows) in enumerate(zip(shown("nn_bm25"), nearest(), strict=True)):
        assert found == [row for row in rows[:2] if scores(number)[int(row)] >= 9.0]


def test_bm25_rank_shows_those_of_the_pool_that_share_most() -> None:
    for number, (found, rows) in enumerate(zip(shown("bm25_rank"), nearest(), strict=True)):
        best = sorted(rows, key=lambda row: -scores(number)[int(row)])
        assert found == best[:2]


def test_diverse_nn_draws_from_the_whole_pool_and_lists_the_nearest_first() -> None:
    places = Counter()
    for seed in range(20):
        for found, rows in zip(shown("diverse_nn", seed=seed), nearest(), strict=True):
            at = [rows.index(row) for row in found]
            assert at == sorted(set(at))
            places.update(at)
    assert set(places) == set(range(40))
    assert max(places.values()) < 1.5 * min(places.values())


def test_mixed_shows_strangers_to_one_record_in_five() -> None:
    near = [
        sum(f == rows[:2] for f, rows in zip(shown("mixed", seed=seed), nearest(), strict=True)) for seed in range(20)
    ]
    assert 0.76 < sum(near) / (20 * 120) < 0.84


def test_random_needs_no_vectors_and_reaches_every_example() -> None:
    retrieval = Retrieval("random", k=3)
    found = [e.id for item in ExampleFinder(RECORDS, None, retrieval).find() for e in item.examples]
    assert len(found) == 360
    assert len(set(found)) > 100
    with pytest.raises(InputError, match="'nn' needs vectors"):
        ExampleFinder(RECORDS, None, Retrieval("nn"))


@pytest.mark.parametrize("strategy", ["nn", "nn_bm25", "diverse_nn", "diverse_nn_bm25", "bm25_rank", "random", "mixed"])
def test_the_same_seed_shows_the_same_and_nothing_that_repeats(strategy: str) -> None:
    """Exact and near repeats of the record, and of one another, are passed over; the next one takes their place."""
    repeats = [Example(r.text.upper() + "!", r.entities and (), id=f"r{r.id}") for r in RECORDS[:20]] * 2
    records = [*RECORDS, *repeats]
    vectors = np.concatenate([VECTORS, VECTORS[:20] * 2, VECTORS[:20] * 3])
    found = shown(strategy, records, vectors)
    assert found == shown(strategy, records, vectors)
    texts = {r.id: r.text for r in records}
    for record, ids in zip(records, found, strict=True):
        together = [record.text, *(texts[id] for id in ids)]
        assert not any(near_duplicate(a, b) for i, a in enumerate(together) for b in together[:i])
        if not strategy.endswith("_bm25"):
            assert len(ids) == 2


def test_what_is_shown_does_not_depend_on_the_other_records() -> None:
    retrieval = Retrieval("diverse_nn", pool=40)
    finder = ExampleFinder(RECORDS, VECTORS, retrieval)
    queries = [example(number) for number in range(1000, 1010)]
    vectors = RNG.standard_normal((10, 24)).astype(np.float32)
    together = [item.examples for item in finder.find(queries, vectors)]
    alone = [next(finder.find([q], vectors[i : i + 1])).examples for i, q in enumerate(queries)]
    assert together == alone


@pytest.mark.parametrize("strategy", ["nn_bm25", "random"])
def test_blocks_of_records_show_what_one_block_shows(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours are sought block by block; each record must still leave itself, and not another one, out."""
    whole = shown(strategy)
    monkeypatch.setattr(examples, "RECORDS_AT_ONCE", 7)
    assert shown(strategy) == whole


def test_vectors_for_other_records_are_refused() -> None:
    with pytest.raises(InputError, match="119 vectors are given for 120 examples"):
        ExampleFinder(RECORDS, VECTORS[1:], Retrieval())
    finder = ExampleFinder(RECORDS, VECTORS, Retrieval())
    with pytest.raises(InputError, match="120 vectors are given for 3 records"):
        next(finder.find(RECORDS[:3], VECTORS))
    with pytest.raises(InputError, match="3 examples from 2 neighbours"):
        Retrieval(k=3, pool=2)
