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


def stands(wanted: tuple[str, ...], example: Example) -> bool:
    """Whether the words stand in a place of the example that is no part of a longer entity."""
    words = Words.of(lowered(example.text))
    begins, ends = list(words.begin), list(words.end)
    places = [
        (begins[first], ends[first + len(wanted) - 1])
        for first in range(len(begins) - len(wanted) + 1)
        if words.words[first : first + len(wanted)] == wanted
    ]
    spans = [(entity.start, entity.end) for entity in example.entities]
    return any(not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans) for start, end in places)
