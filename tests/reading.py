"""What must hold of every extraction, whatever the text."""

from __future__ import annotations

from ranit_rag import Extraction


def check(extraction: Extraction, text: str) -> None:
    assert extraction.text == text
    assert extraction.coverage == 1.0
    covered = 0
    for decision in extraction.decisions:
        assert decision.start <= covered
        covered = max(covered, decision.end)
    assert covered == len(text)
    for entity in extraction.entities:
        assert 0 <= entity.start < entity.end <= len(text)
        assert entity.text == text[entity.start : entity.end]
        assert entity.text.strip()
    assert len({(e.start, e.end, e.label) for e in extraction.entities}) == len(extraction.entities)
