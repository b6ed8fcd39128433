"""The work behind ``/v1/extract``: every text of a request through the pipeline, and what is told meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ranit_rag.overlaps import Decoding
from ranit_rag.pipeline import Ranit, Request
from ranit_rag.results import Failure, Usage
from ranit_rag.service.batching import follow_windows
from ranit_rag.service.bodies import ExtractBody
from ranit_rag.service.errors import RefusedError, error_fields
from ranit_rag.service.explaining import explain
from ranit_rag.service.limits import EXPLAINED_CHARACTERS
from ranit_rag.service.metrics import Metrics

Tell = Callable[[str, dict[str, Any]], None]
"""Is told an event's name and data."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one text: the JSON of its extraction, or the error. ``usage`` is what it cost."""

    extraction: dict[str, Any] | None
    error: Exception | None
    usage: Usage = Usage()  # noqa: RUF009 — it is frozen

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """``{"extraction": …}`` or ``{"error": …}``."""
        if self.error is not None:
            return {"error": {**error_fields(self.error), "request_id": request_id}}
        return {"extraction": self.extraction}


def check(body: ExtractBody, texts: Sequence[str]) -> None:
    """Raises RefusedError (422) where what is asked cannot be told."""
    longest = max(map(len, texts))
    if body.explain and longest > EXPLAINED_CHARACTERS:
        raise RefusedError(
            422,
            "TextTooLong",
            f"a text of {longest} characters is not explained",
            hint=f"leave out explain, or send texts of up to {EXPLAINED_CHARACTERS} characters",
        )


async def extract_each(
    ner: Ranit, body: ExtractBody, texts: Sequence[str], *, metrics: Metrics, request_id: str, tell: Tell
) -> list[Result]:
    """A result for each text. ``tell`` hears of ``progress`` (windows of one text, or texts) and results."""
    done = 0

    async def one(index: int, text: str) -> Result:
        nonlocal done
        if len(texts) == 1:
            follow_windows.set(lambda done, total: tell("progress", {"done": done, "total": total}))
        result = await _extract(ner, body, text, metrics)
        done += 1
        tell("result", {"index": index, **result.to_dict(request_id)})
        if len(texts) > 1:
            tell("progress", {"done": done, "total": len(texts)})
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(index, text)) for index, text in enumerate(texts)]
    return [task.result() for task in tasks]


async def _extract(ner: Ranit, body: ExtractBody, text: str, metrics: Metrics) -> Result:
    try:
        explanations = None
        if body.explain:
            explanations = await asyncio.to_thread(explain, ner, text, body.types, body.language)
        decisions = [explained.plan.decision for explained in explanations or ()]
        decoding = Decoding(body.overlaps, body.min_score, body.precedents)
        request = Request(text, body.types, language=body.language, decisions=decisions, decoding=decoding)
        (extraction,) = [result async for result in ner.aextract_many([request])]
        if isinstance(extraction, Failure):
            raise extraction.error
    except Exception as error:
        metrics.failed()
        return Result(None, error)
    metrics.extracted(extraction)
    fields = extraction.to_dict()
    if explanations is not None:
        fields["explanations"] = [explained.to_dict(ner) for explained in explanations]
    return Result(fields, None, extraction.usage)
