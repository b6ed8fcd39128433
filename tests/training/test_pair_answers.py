"""What annotating models write, read as pairs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_training.annotate.answers import read_pairs

PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12)), max_size=5)


@given(st.text() | st.from_regex(r"[\[\](){}\"',: a\\]{0,60}"), st.booleans())
def test_any_answer_is_read(answer: str, truncated: bool) -> None:
    read_pairs(answer, truncated=truncated)


@given(PAIRS)
def test_json_lists_come_back_whole(pairs: list[tuple[str, str]]) -> None:
    answer = read_pairs(json.dumps(pairs))
    assert answer.problem is None
    assert list(answer.pairs) == pairs


@pytest.mark.parametrize(
    ("answer", "pairs"),
    [
        ('[("Paris", "city"), ("Seine", "river")]', [("Paris", "city"), ("Seine", "river")]),
        ("[('Paris', 'city'), ('O\\'Hare', 'airport')]", [("Paris", "city"), ("O'Hare", "airport")]),
        ("[('O'Hare', 'airport')]", [("O'Hare", "airport")]),
        ('[("the "Big" one", "event")]', [('the "Big" one', "event")]),
        ('Sure! Here:\n```python\n[\n  ("Paris", "city"),\n]\n```', [("Paris", "city")]),
        ('<think>("no", "no")</think>[("yes", "answer")]', [("yes", "answer")]),
        ('[["北京", "城市"]]', [("北京", "城市")]),
        ('[{"entity": "Paris", "type": "city"}]', [("Paris", "city")]),
        ('[{"Paris": "city"}, {"Seine": "river"}]', [("Paris", "city"), ("Seine", "river")]),
        ('[("Paris", "city", )]', [("Paris", "city")]),
    ],
)
def test_the_forms_that_models_use(answer: str, pairs: list[tuple[str, str]]) -> None:
    assert list(read_pairs(answer).pairs) == pairs
    assert read_pairs(answer).problem is None


def test_an_answer_that_says_nothing_is_told_from_one_that_says_none() -> None:
    assert read_pairs("[]").problem is None
    assert read_pairs("There are no entities.").problem == "unparsable"
    assert read_pairs('[("Paris", "city"), ("Sei', truncated=True) == read_pairs('[("Paris", "city"),', truncated=True)
    assert read_pairs('[("Paris", "city"), ("Sei', truncated=True).problem == "truncated"


def test_a_hostile_answer_takes_no_time() -> None:
    for piece in ('("', "('a',", '("a" ', "{", '("a\\', "\"'" * 2):
        read_pairs(piece * 30_000)
