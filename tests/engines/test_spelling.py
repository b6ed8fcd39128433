"""Answers put together from the bytes of tokens: nothing lost, whatever the tokens cut in two."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.engines.base import Token
from ranit_rag.engines.spelling import cut, spell

JOINER = "\x01 "
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x01"))


def pieces_of(raw: bytes, cuts: list[int]) -> list[tuple[bytes, float]]:
    edges = [0, *sorted(c % (len(raw) + 1) for c in cuts), len(raw)]
    return [(raw[a:b], -float(i)) for i, (a, b) in enumerate(pairwise(edges))]


@given(TEXTS, st.lists(st.integers(0, 200)))
def test_pieces_of_any_cut_concatenate_to_the_text_and_keep_their_probabilities(text: str, cuts: list[int]) -> None:
    pieces = pieces_of(text.encode(), cuts)
    tokens = spell(pieces)
    assert "".join(token.text for token in tokens) == text
    assert [token.logprob for token in tokens] == [logprob for _, logprob in pieces]


@given(st.lists(TEXTS), st.lists(st.integers(0, 200)))
def test_a_joiner_is_taken_out_also_where_two_tokens_share_it(parts: list[str], cuts: list[int]) -> None:
    tokens = spell(pieces_of(JOINER.join(parts).encode(), cuts), joiner=JOINER)
    assert "".join(token.text for token in tokens) == "".join(parts)


@given(TEXTS, st.lists(st.integers(0, 200)), st.integers(0, 50), st.integers(0, 50))
def test_a_cut_is_the_slice_of_the_text(text: str, cuts: list[int], start: int, length: int) -> None:
    start = min(start, len(text))
    kept = cut(spell(pieces_of(text.encode(), cuts)), start, start + length)
    assert "".join(token.text for token in kept) == text[start : start + length]


def test_a_character_cut_at_the_token_limit_is_left_out() -> None:
    assert spell([(b'["', -0.1), ("痛".encode()[:2], -0.2)]) == (Token('["', -0.1), Token("", -0.2))


def test_a_joiner_that_the_end_cut_in_two_is_left_out_as_well() -> None:
    assert [token.text for token in spell([(b'["\x01', -1.0)], joiner=JOINER)] == ['["']
    assert [token.text for token in spell([(b"a ", -1.0)], joiner=JOINER)] == ["a "]
