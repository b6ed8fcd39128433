"""What the server says of itself: health, metrics, limits, and types to ask for."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

import ranit_rag
from ranit_rag.planning import LANGUAGES
from ranit_rag.service import limits
from ranit_rag.service.answers import HealthAnswer, InfoAnswer, TypesAnswer
from ranit_rag.service.dependencies import Caller
from ranit_rag.service.errors import Json
from ranit_rag.service.state import Service
from ranit_rag.stores.base import store_stats
from ranit_rag.stores.formats import FORMATS

_FREQUENT = 50


def health_routes(service: Service) -> APIRouter:
    """For whoever watches over the server; these need no key, but the metrics."""
    router = APIRouter(tags=["server"], default_response_class=Json)

    @router.get("/healthz", response_model=HealthAnswer, summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", response_model=HealthAnswer, summary="Whether requests are served")
    async def readyz() -> dict[str, str]:
        """503 while the model is being loaded, and when the server stops."""
        _ = service.ner
        return {"status": "ok"}

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        summary="Counts for Prometheus",
    )
    async def metrics(_caller: Caller) -> Response:
        return Response(service.metrics.told(), media_type=service.metrics.media_type)

    return router


def info_routes(service: Service) -> APIRouter:
    """For clients."""
    router = APIRouter(prefix="/v1", tags=["server"], default_response_class=Json)

    @router.get("/info", response_model=InfoAnswer, summary="What the server is, and its limits")
    async def info() -> dict[str, Any]:
        """Needs no key, and says whether the other addresses do."""
        return {
            "version": ranit_rag.__version__,
            "ready": service.ready,
            "engine": service.engine_fields(),
            "languages": list(LANGUAGES),
            "formats": list(FORMATS),
            "limits": {
                **asdict(service.limits),
                "texts": limits.TEXTS,
                "characters": limits.CHARACTERS,
                "explained_characters": limits.EXPLAINED_CHARACTERS,
                "types": limits.TYPES,
                "type_characters": limits.TYPE_CHARACTERS,
                "examples": limits.EXAMPLES,
                "entities": limits.ENTITIES,
            },
            "key_needed": bool(service.keys),
        }

    @router.get("/types", response_model=TypesAnswer, summary="Suggest types")
    async def types(caller: Caller, text: Annotated[str, Query(max_length=4000)] = "") -> dict[str, Any]:
        """The types of the store that a text belongs to, and the most frequent of all stores."""

        def suggested() -> dict[str, Any]:
            stores = service.stores(caller)
            decision = service.pipeline(caller).decide(text) if text.strip() else None
            counts: Counter[str] = Counter()
            for name in stores.names():
                counts.update(store_stats(stores.open(name)).types)
            return {
                "store": decision.store if decision else None,
                "types": list(decision.types) if decision else [],
                "frequent": [{"type": label, "count": count} for label, count in counts.most_common(_FREQUENT)],
            }

        return await asyncio.to_thread(suggested)

    return router
