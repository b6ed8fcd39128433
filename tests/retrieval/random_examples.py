"""Examples for property tests: short texts of several scripts, with entities of whole words that may overlap."""

from __future__ import annotations

from hypothesis import strategies as st

from ranit_rag.text.words import Words, lowered
from ranit_rag.types import Entity, Example

LABELS = ("x", "X", "y")


def texts(most: int = 8) -> st.SearchStrategy[str]:
    parts = st.sampled_from(["ab", "Ab ", "c", "京", "北 ", "12", "-", " "])
    return st.lists(parts, max_size=most).map("".join)


@st.composite
def random_examples(draw: st.DrawFn) -> Example:
    text = draw(texts())
    words = Words.of(lowered(text))
    begins, ends = list(words.begin), list(words.end)
    entities = []
    for _ in range(draw(st.integers(0, 3)) if begins else 0):
        first = draw(st.integers(0, len(begins) - 1))
        start, end = begins[first], ends[draw(st.integers(first, len(ends) - 1))]
        entities.append(Entity(text[start:end], draw(st.sampled_from(LABELS)), start, end))
    return Example(text, tuple(entities))
