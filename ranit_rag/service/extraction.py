"""``/v1/extract``: entities of one text or of several, at once or told as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.sse import format_sse_event
from starlette.responses import Response, StreamingResponse

from ranit_rag.corpus.rows import to_json
from ranit_rag.pipeline import Ranit
from ranit_rag.results import Usage
from ranit_rag.service.bodies import ExtractBody, ExtractMany
from ranit_rag.service.dependencies import Caller, while_connected
from ranit_rag.service.errors import Json, error_fields, request_id
from ranit_rag.service.extracting import Result, check, extract_each
from ranit_rag.service.openapi import EXTRACT_ANSWERS
from ranit_rag.service.state import Service, deadline_exceeded, within

_EVENTS = "text/event-stream"


def extraction_routes(service: Service) -> APIRouter:
    """The route, for a service."""
    router = APIRouter(tags=["extraction"])

    @router.post("/v1/extract", responses=EXTRACT_ANSWERS, summary="Find entities", response_class=Json)
    async def extract(request: Request, caller: Caller, body: Annotated[ExtractBody, Body()]) -> Response:
        """Find every mention of the types in one text (`text`) or in several (`texts`).

        The answer for one text is an extraction; for several, `results` holds an extraction or an error for each, in
        their order. With `Accept: text/event-stream` it comes in events: `progress`, `result` for each text, and last
        `done`, or `error` where the request as a whole failed.
        """
        texts = body.texts if isinstance(body, ExtractMany) else [body.text]
        request.scope["ranit.noted"] |= {"texts": len(texts), "characters": sum(map(len, texts))}
        check(body, texts)
        ner = await asyncio.to_thread(service.pipeline, caller, body.domain, body.judge)
        if _EVENTS in request.headers.get("accept", ""):
            events = _events(service, ner, body, texts, request_id(request))
            return StreamingResponse(
                _preceded(await anext(events), events), media_type=_EVENTS, headers={"Cache-Control": "no-store"}
            )
        with service.admission.admitted(len(texts)):
            work = extract_each(
                ner, body, texts, metrics=service.metrics, request_id=request_id(request), tell=lambda *_: None
            )
            results = await while_connected(request, within(service.limits.deadline, work))
        return Json(_answer(body, results, request_id(request)))

    return router


def _answer(body: ExtractBody, results: list[Result], request_id: str) -> dict[str, Any]:
    """The one extraction, or all that came of several. Raises what kept the one from succeeding."""
    if isinstance(body, ExtractMany):
        told = [result.extraction or result.to_dict(request_id) for result in results]
        return {"results": told, "usage": _usage(results)}
    if results[0].error is not None:
        raise results[0].error
    return results[0].extraction or {}


def _usage(results: list[Result]) -> dict[str, Any]:
    return sum((result.usage for result in results), Usage()).to_dict()


async def _preceded(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for each in rest:
        yield each


async def _events(
    service: Service, ner: Ranit, body: ExtractBody, texts: list[str], request_id: str
) -> AsyncIterator[bytes]:
    """The events of a request, whose deadline begins anew with each. Raises RefusedError before the first."""
    told: asyncio.Queue[bytes | None] = asyncio.Queue()

    def tell(event: str, data: dict[str, Any]) -> None:
        told.put_nowait(_event(event, data))

    async def work() -> None:
        try:
            results = await extract_each(ner, body, texts, metrics=service.metrics, request_id=request_id, tell=tell)
            tell("done", {"usage": _usage(results)})
        finally:
            told.put_nowait(None)

    with service.admission.admitted(len(texts)):
        yield _event("progress", {"done": 0, "total": len(texts)})
        working = asyncio.create_task(work())
        try:
            while (event := await asyncio.wait_for(told.get(), service.limits.deadline)) is not None:
                yield event
            await working
        except TimeoutError:
            error = deadline_exceeded(service.limits.deadline)
            yield _event("error", {"error": {**error_fields(error), "request_id": request_id}})
        except Exception as error:
            yield _event("error", {"error": {**error_fields(error), "request_id": request_id}})
        finally:
            working.cancel()


def _event(event: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=event, data_str=to_json(data).decode())
