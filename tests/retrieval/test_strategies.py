"""Strategies: which of the pool is shown, in which order, and what never is."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import InputError
from ranit_rag.retrieval.strategies import STRATEGIES, Strategy, check_strategy, choose

POOL = [f"p{place}" for place in range(20)]
STRANGERS = [f"s{place}" for place in range(20)]


def score(items: Sequence[str]) -> list[float]:
    """The last of the pool scores best, strangers score nothing."""
    return [float(item[1:]) if item[0] == "p" else 0.0 for item in items]


def chosen(strategy: Strategy, *, k: int = 2, seed: int = 0, threshold: float = 10.0, **more: object) -> list[str]:
    rng = random.Random(seed)
    return choose(
        strategy,
        POOL,
        k=k,
        rng=rng,
        bm25=score,
        threshold=threshold,
        strangers=STRANGERS,
        **more,  # type: ignore[arg-type]
    )


def test_nearest_first() -> None:
    assert chosen("nn", k=3) == ["p0", "p1", "p2"]


def test_the_filter_drops_without_replacement() -> None:
    assert chosen("nn_bm25", k=2) == []
    assert chosen("nn_bm25", k=12) == ["p10", "p11"]


def test_ranking_by_bm25_lists_the_best_first() -> None:
    assert chosen("bm25_rank", k=3) == ["p19", "p18", "p17"]


def test_diverse_draws_differ_by_seed_and_are_listed_nearest_first() -> None:
    draws = [chosen("diverse_nn", k=3, seed=seed) for seed in range(50)]
    assert len({tuple(draw) for draw in draws}) > 40
    assert all(draw == sorted(draw, key=POOL.index) for draw in draws)
    assert chosen("diverse_nn", seed=7) == chosen("diverse_nn", seed=7)


def test_diverse_draws_are_filtered_like_any_other() -> None:
    counts = Counter(len(chosen("diverse_nn_bm25", seed=seed)) for seed in range(300))
    assert counts[0] == pytest.approx(300 * 9 / 38, abs=35)  # both of two below the threshold: C(10,2)/C(20,2)


def test_random_ignores_the_pool_and_mixed_does_so_for_one_text_in_five() -> None:
    assert chosen("random") == STRANGERS[:2]
    mixed = Counter(chosen("mixed", seed=seed)[0][0] for seed in range(1000))
    assert mixed["s"] == pytest.approx(200, abs=40)


@given(
    st.sampled_from(STRATEGIES),
    st.integers(0, 25),
    st.integers(0, 99),
    st.sets(st.sampled_from(POOL + STRANGERS)),
    st.floats(0, 25),
)
def test_no_strategy_shows_too_many_twice_or_what_is_refused(
    strategy: Strategy, k: int, seed: int, refused: set[str], threshold: float
) -> None:
    shown = chosen(strategy, k=k, seed=seed, threshold=threshold, accept=lambda item: item not in refused)
    assert len(shown) <= k
    assert len(set(shown)) == len(shown)
    assert not refused & set(shown)
    if strategy.endswith("_bm25"):
        assert all(value >= threshold for value in score(shown))


def test_an_unknown_strategy_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="'best'") as error:
        check_strategy("best")
    assert all(name in error.value.hint for name in STRATEGIES)
