"""The texts behind a report, a row for each text and arm: what was there, what was found, and what was shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ranit_rag.evaluation.runner import ArmRun, TextResult
from ranit_rag.types import Entity, ShownExample

Row = dict[str, Any]


def text_rows(run: ArmRun, arm: str) -> Iterator[Row]:
    """The rows of a run in the order of its texts. ``missed`` and ``spurious`` count entities by the strict measure."""
    for number, result in enumerate(run.results):
        yield _row(result, number, run.evaluated.name, arm, run.evaluated.types)


def _row(result: TextResult, number: int, set_name: str, arm: str, types: Sequence[str]) -> Row:
    extraction = result.extraction
    gold = [entity for entity in result.example.entities if entity.label in types]
    found = list(extraction.entities) if extraction is not None else []
    there, here = {_key(entity) for entity in gold}, {_key(entity) for entity in found}
    row: Row = {
        "set": set_name,
        "arm": arm,
        "number": number,
        "id": result.example.id,
        "text": result.example.text,
        "gold": [_span(entity) for entity in gold],
        "found": [{**_span(entity), "score": entity.score} for entity in found],
        "missed": len(there - here),
        "spurious": len(here - there),
    }
    if extraction is None:
        return {**row, "error": result.error}
    decision = extraction.decision
    return {
        **row,
        "dropped": [{"text": each.text, "label": each.label, "reason": each.told} for each in extraction.dropped],
        "windows": len(extraction.decisions),
        "route": decision.route,
        "reason": decision.reason,
        "store": decision.store,
        "examples": [_example(shown) for shown in decision.examples],
    }


def _key(entity: Entity) -> tuple[int, int, str]:
    return entity.start, entity.end, entity.label


def _span(entity: Entity) -> Row:
    return {"start": entity.start, "end": entity.end, "label": entity.label}


def _example(shown: ShownExample) -> Row:
    return {
        "text": shown.example.text,
        "entities": [_span(entity) for entity in shown.example.entities],
        "domain": shown.example.domain,
        "similarity": None if shown.similarity is None else round(shown.similarity, 4),
        "bm25": None if shown.bm25 is None else round(shown.bm25, 4),
    }
