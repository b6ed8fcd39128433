"""A text of 200,000 characters through the embedded model: every character is read."""

from __future__ import annotations

import pytest
from reading import check

from ranit_rag import Ranit
from ranit_rag.engines.transformers import TransformersEngine

PARAGRAPH = (
    "John Smith of Siemens flew from Berlin to Toronto on Monday. The deal was worth 3.5 million dollars, he said. "
    "张三在北京大学工作，他昨天在上海会见了阿里巴巴的李四。 Mary Jones, who runs Acme in Paris, was not there! "
)


@pytest.mark.timeout(600)  # 40 s on two cores, more where they are busy
def test_two_hundred_thousand_characters(nano: TransformersEngine) -> None:
    text = (PARAGRAPH * (200_000 // len(PARAGRAPH) + 1))[:200_000]
    extraction = Ranit(nano).extract(text, ["person"])
    check(extraction, text)
    found = {entity.start for entity in extraction.entities if entity.text == "John Smith"}
    every = set(range(0, 200_000 - 10, len(PARAGRAPH)))
    assert len(found & every) > 0.9 * len(every)
    assert not any(dropped.reason == "unparsable" for dropped in extraction.dropped)
