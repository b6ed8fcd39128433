"""The bundled examples are what the first user's extractions lean on: every one must be right."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from ranit_rag.errors import DataError
from ranit_rag.stores import open_stores
from ranit_rag.stores.seeds import SEED_LANGUAGES, build_seeds, seed_examples, seed_names
from ranit_rag.text.duplicates import near_duplicate, text_fingerprint

# A string that rightly has two types within one store, and why.
TWO_TYPES: dict[tuple[str, str], str] = {}


def whole_word_places(text: str, mention: str) -> list[tuple[int, int]]:
    """Where the mention stands and is not part of a longer run of letters or digits; Chinese has no such runs."""
    places = []
    for match in re.finditer(f"(?={re.escape(mention)})", text):
        start, end = match.start(), match.start() + len(mention)
        before, after = text[start - 1 : start], text[end : end + 1]
        if not (_joins(before, mention[0]) or _joins(mention[-1], after)):
            places.append((start, end))
    return places


def _joins(one: str, other: str) -> bool:
    return bool(one and other and one.isascii() and other.isascii() and one.isalnum() and other.isalnum())


def test_every_promised_domain_is_there() -> None:
    english = {"news", "biomedicine", "finance", "law", "technology", "science", "culture"}
    assert set(seed_names()) == english | {"新闻", "医疗", "金融", "电商"}
    assert set(seed_names(["en"])) == english
    assert {example.language for name in seed_names() for example in seed_examples(name)} == set(SEED_LANGUAGES)
    with pytest.raises(DataError, match="sports"):
        seed_examples("sports")


@pytest.mark.parametrize("domain", seed_names())
def test_there_are_enough_examples_and_types(domain: str) -> None:
    examples = seed_examples(domain)
    assert len(examples) >= 60
    assert len({label for example in examples for label in example.labels}) >= 6
    assert len({example.language for example in examples}) == 1
    assert {example.domain for example in examples} == {domain}


@pytest.mark.parametrize("domain", seed_names())
def test_no_text_comes_twice(domain: str) -> None:
    examples = seed_examples(domain)
    assert len({text_fingerprint(example.text) for example in examples}) == len(examples)
    texts = [example.text for example in examples]
    near = [(a, b) for i, a in enumerate(texts) for b in texts[:i] if near_duplicate(a, b)]
    assert near == []


@pytest.mark.parametrize("domain", seed_names())
def test_no_string_has_two_types(domain: str) -> None:
    labels: dict[str, set[str]] = defaultdict(set)
    for example in seed_examples(domain):
        for entity in example.entities:
            labels[entity.text].add(entity.label)
    ambiguous = {text: sorted(found) for text, found in labels.items() if len(found) > 1}
    assert {text: found for text, found in ambiguous.items() if (domain, text) not in TWO_TYPES} == {}


@pytest.mark.parametrize("domain", seed_names())
def test_every_occurrence_of_an_annotated_mention_is_annotated(domain: str) -> None:
    """Or stands inside a longer mention, as a city's name does in its university's."""
    missing = []
    for example in seed_examples(domain):
        spans = {(entity.start, entity.end) for entity in example.entities}
        for mention in {entity.text for entity in example.entities}:
            for start, end in whole_word_places(example.text, mention):
                if not any(s <= start and end <= e for s, e in spans):
                    missing.append((mention, start, example.text))
    assert missing == []


@pytest.mark.parametrize("domain", seed_names())
def test_mentions_begin_and_end_cleanly(domain: str) -> None:
    entities = [entity for example in seed_examples(domain) for entity in example.entities]
    assert [e for e in entities if e.text != e.text.strip() or e.text[-1] in ",;:，；：、"] == []


class OneDimension:
    """All texts at the same place: enough to see what is written."""

    def __init__(self, language: str) -> None:
        self.name = f"one-{language}"
        self.dimension = 1

    def embed(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 1), dtype=np.float32)


def test_seeds_are_built_once_and_the_users_stores_are_left_alone() -> None:
    stores = open_stores(":memory:")
    mine = stores.open("law", OneDimension("en"), create=True)
    mine.add(seed_examples("news")[:2])
    begun = stores.open("news", OneDimension("en"), create=True)
    seen: list[int] = []
    built = build_seeds(stores, OneDimension, on_progress=seen.append)
    assert set(built) == set(seed_names()) - {"law"}
    assert (len(mine), len(begun)) == (2, len(seed_examples("news")))
    assert stores.open("医疗").embedding.name == "one-zh"
    assert seen[-1] == sum(len(seed_examples(name)) for name in seed_names())
    assert build_seeds(stores, OneDimension) == []
