"""Wording tells stores apart by their character n-grams; leaving a member out must equal never having counted it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranit_rag.retrieval.background import general_texts
from ranit_rag.retrieval.wording import BUCKETS, Wording, general_frequencies, grams

BIO = ["p53 binds the BRCA1 promoter", "IL-2 activates human T cells", "expression of NF-kappa B in T cells"]
LAW = ["the court dismissed the appeal", "the plaintiff appealed the ruling", "counsel objected to the question"]


@given(st.text(max_size=60), st.sampled_from(["en", "zh"]))
def test_any_text_has_n_grams_in_range(text: str, language: str) -> None:
    found = grams(text, language)
    assert len(found) > 0
    assert found.min() >= 0
    assert found.max() < BUCKETS


@given(st.text(max_size=30))
def test_blanks_do_not_matter(text: str) -> None:
    assert grams(f"  {text}\n", "en").tolist() == grams(" ".join(text.split()), "en").tolist()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text("abc d", min_size=1, max_size=20), min_size=2, max_size=6), st.data())
def test_a_member_left_out_scores_as_if_it_were_new(texts: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    left = grams(texts[place], "en")
    others = Wording(texts[:place] + texts[place + 1 :], "en")
    assert Wording(texts, "en").score_left_out(left) == pytest.approx(others.scores([left])[0])


def test_texts_score_best_where_they_belong() -> None:
    new = [grams("IL-4 binds T cells", "en"), grams("the court heard the plaintiff", "en")]
    bio, law = Wording(BIO, "en").scores(new), Wording(LAW, "en").scores(new)
    assert bio[0] > law[0]
    assert law[1] > bio[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_general_language_is_a_distribution_that_general_text_follows(language: str) -> None:
    frequencies = general_frequencies(language)
    assert frequencies.min() > 0
    assert frequencies.sum() == pytest.approx(1.0)
    found = np.concatenate([grams(item.text, language) for item in general_texts(language)])
    assert np.log(frequencies[found] * BUCKETS).mean() > 2, "general text must be far likelier than random n-grams"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_general_texts_are_varied_and_typed(language: str) -> None:
    items = general_texts(language)
    assert len(items) >= 190
    assert len({item.text for item in items}) == len(items)
    assert all(item.text.strip() and 1 <= len(item.types) <= 4 and all(map(str.strip, item.types)) for item in items)
