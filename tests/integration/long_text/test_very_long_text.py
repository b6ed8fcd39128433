"""A text of 200,000 characters through the embedded model: every character is read."""

from __future__ import annotations

import re

import pytest
from reading import check

from ranit_rag import Ranit
from ranit_rag.engines.transformers import TransformersEngine

PARAGRAPH = (
    "张三在北京大学工作，他昨天在上海会见了阿里巴巴的李四。 他和张三都去了杭州，𠮷野家在那里开了新店。 "
    "Mary Jones, who runs Acme in Paris, was not there! "
)


@pytest.mark.timeout(600)  # two minutes on two cores, more where they are busy
def test_two_hundred_thousand_characters(nano: TransformersEngine) -> None:
    text = (PARAGRAPH * (200_000 // len(PARAGRAPH) + 1))[:200_000]
    extraction = Ranit(nano).extract(text, ["人名"])
    check(extraction, text)
    found = {entity.start for entity in extraction.entities if entity.text == "张三"}
    every = {match.start() for match in re.finditer("张三", text)}
    assert len(found & every) > 0.9 * len(every)
    assert not any(dropped.reason == "unparsable" for dropped in extraction.dropped)
