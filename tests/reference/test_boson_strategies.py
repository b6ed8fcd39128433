"""The strategies choose what the RA-IT authors' code chose for the Boson benchmark, from its own pools and scores."""

from __future__ import annotations

import gzip
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ranit_rag.retrieval.strategies import Strategy, choose

SUFFIX = "skygpt3.5_5k_random_42_GTElargeEmb_text"
ITEM = re.compile(r"文本：(.*?)\n实体：(\[.*?\])(?=\n文本：|\Z)", re.DOTALL)
TYPES = 6
THRESHOLD = 20.0


class Scored(NamedTuple):
    id: str
    bm25: float


def read(path: Path) -> Iterator[Any]:
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from json.load(file) if path.name.endswith(".json.gz") else map(json.loads, file)


def shown(folder: Path, name: str) -> list[list[str]]:
    """The texts of the examples in each conversation, one conversation for each text and type."""
    conversations = [record["conversations"] for record in read(folder / f"{name}.json.gz")]
    return [[text for text, _ in ITEM.findall(c[0]["value"])] if len(c) == TYPES else [] for c in conversations]


@pytest.fixture(scope="module")
def boson(shared_data: Path) -> Path:
    return shared_data / "reference" / "boson"


@pytest.fixture(scope="module")
def pools(boson: Path) -> list[list[Scored]]:
    kind = "benchmark_data_rag__sim_examp_ids_from_outdomain__test_simexample_ids_128"
    ids = [record["top_128_similar_examples"] for record in read(boson / f"{kind}_{SUFFIX}.jsonl.gz")]
    kind = "benchmark_data_rag__bm25Score_outdomain__test_simexample_bmscores_128"
    scores = [record["top_128_similar_examples"] for record in read(boson / f"{kind}_{SUFFIX}.jsonl.gz")]
    return [[Scored(*pair) for pair in zip(*lists, strict=True)] for lists in zip(ids, scores, strict=True)]


@pytest.fixture(scope="module")
def text_of(boson: Path, pools: list[list[Scored]]) -> dict[str, str]:
    """The pool's texts were not published: those of the two nearest stand in the conversations without a filter."""
    conversations = shown(boson, f"benchmark_it_data_rag__outdomain__test_w_NN_2_{SUFFIX}")
    texts: dict[str, str] = {}
    for pool, examples in zip(pools, conversations[::TYPES], strict=True):
        assert len(examples) == 2
        for item, text in zip(pool, examples, strict=False):
            assert texts.setdefault(item.id, text) == text, "one id, two texts: the pools are not what we think"
    return texts


def choice(strategy: Strategy, pool: Sequence[Scored], seed: int = 0) -> list[Scored]:
    def scores(items: Sequence[Scored]) -> list[float]:
        return [item.bm25 for item in items]

    return choose(strategy, pool, k=2, rng=random.Random(seed), bm25=scores, threshold=THRESHOLD)


@pytest.mark.parametrize(("strategy", "name"), [("nn", "NN_2"), ("nn_bm25", "NN_bm25Rej_2_20")])
def test_the_nearest_and_their_filter_are_the_authors_for_every_text(
    boson: Path, pools: list[list[Scored]], text_of: dict[str, str], strategy: Strategy, name: str
) -> None:
    conversations = shown(boson, f"benchmark_it_data_rag__outdomain__test_w_{name}_{SUFFIX}")
    assert len(conversations) == TYPES * len(pools) == 1074
    for number, examples in enumerate(conversations):
        assert [text_of[item.id] for item in choice(strategy, pools[number // TYPES])] == examples


@pytest.mark.parametrize("seed", range(5))
def test_the_diverse_filter_shows_none_one_or_two_as_often_as_the_authors(
    boson: Path, pools: list[list[Scored]], seed: int
) -> None:
    """Their seed is unknown: the counts must agree within the sampling error of their one draw and of ours."""
    name = f"benchmark_it_data_rag__outdomain__test_w_diverseNN_bm25Rej_2_128_20_{SUFFIX}"
    theirs = Counter(len(examples) for examples in shown(boson, name)[::TYPES])
    ours = Counter(len(choice("diverse_nn_bm25", pool, hash((seed, row)))) for row, pool in enumerate(pools))
    for count in (0, 1, 2):
        variance = sum(p * (1 - p) for p in (chance(pool, count) for pool in pools))
        assert abs(theirs[count] - sum(chance(pool, count) for pool in pools)) <= 3 * math.sqrt(variance)
        assert abs(theirs[count] - ours[count]) <= 3 * math.sqrt(2 * variance)


def chance(pool: Sequence[Scored], count: int) -> float:
    """The probability that of two drawn from the pool ``count`` pass the filter."""
    passing = sum(item.bm25 >= THRESHOLD for item in pool)
    return math.comb(passing, count) * math.comb(len(pool) - passing, 2 - count) / math.comb(len(pool), 2)


def test_the_diverse_strategy_draws_from_the_whole_pool(boson: Path, pools: list[list[Scored]]) -> None:
    theirs = shown(boson, f"benchmark_it_data_rag__outdomain__test_w_diverseNN_2_128_{SUFFIX}")
    assert {len(examples) for examples in theirs} == {2}
    places = [pool.index(item) for row, pool in enumerate(pools) for item in choice("diverse_nn", pool, row)]
    assert len(places) == 2 * len(pools)
    assert abs(sum(places) / len(places) - 63.5) < 3 * 128 / math.sqrt(12 * len(places))
