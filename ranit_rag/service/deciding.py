"""``/v1/decisions/explain``: why examples are shown for a text, without the model."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from ranit_rag.service.answers import ExplainAnswer
from ranit_rag.service.bodies import ExplainBody
from ranit_rag.service.dependencies import Caller, while_connected
from ranit_rag.service.errors import Json
from ranit_rag.service.explaining import explain
from ranit_rag.service.openapi import BUSY
from ranit_rag.service.state import Service, within
from ranit_rag.text import detect_language


def decision_routes(service: Service) -> APIRouter:
    """The route, for a service."""
    router = APIRouter(tags=["extraction"], default_response_class=Json)

    @router.post("/v1/decisions/explain", response_model=ExplainAnswer, responses=BUSY, summary="Explain decisions")
    async def explain_decisions(request: Request, caller: Caller, body: ExplainBody) -> dict[str, Any]:
        """Tell, for each window of a text, which stores were considered, what spoke for each, and the exact prompt."""

        def explained() -> list[dict[str, Any]]:
            ner = service.pipeline(caller, body.domain, body.judge)
            return [each.to_dict(ner) for each in explain(ner, body.text, body.types, body.language)]

        with service.admission.admitted(1):
            work = within(service.limits.deadline, asyncio.to_thread(explained))
            explanations = await while_connected(request, work)
        return {
            "text": body.text,
            "language": body.language or detect_language(body.text),
            "explanations": explanations,
        }

    return router
