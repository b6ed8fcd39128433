"""The app: its routes, what surrounds them, and the page."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response

import ranit_rag
from ranit_rag.config import Settings
from ranit_rag.engines.base import Engine
from ranit_rag.service.access import Keys
from ranit_rag.service.deciding import decision_routes
from ranit_rag.service.errors import Json, handle_errors
from ranit_rag.service.extraction import extraction_routes
from ranit_rag.service.importing import import_routes
from ranit_rag.service.informing import health_routes, info_routes
from ranit_rag.service.limits import Limits
from ranit_rag.service.manual import STYLE, manual
from ranit_rag.service.middleware import Requests
from ranit_rag.service.openapi import ERRORS, document
from ranit_rag.service.state import Service
from ranit_rag.service.storing import store_routes
from ranit_rag.stores.base import StoreSet

_PAGE = Path(__file__).with_name("page")
_TOLD = """\
Named entities of any type, in English and Chinese text, with exact offsets. Errors have one form: \
`{"error": {"type", "message", "hint", "request_id"}}`."""


def create_app(
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    stores: StoreSet | None = None,
    limits: Limits | None = None,
    keys: Keys | None = None,
    hosts: Collection[str] = (),
) -> FastAPI:
    """An ASGI app over the engine and the stores that ``settings`` say, or over those given.

    The model is loaded when the app starts, beside it: ``/readyz`` says when. Without ``keys`` it serves anybody who
    reaches it; ``hosts`` are then the only names that it is asked for by (none: any). ``app.state.service`` is what the
    routes share.
    """
    service = Service(
        settings if settings is not None else Settings.load(),
        engine=engine,
        stores=stores,
        limits=limits or Limits(),
        keys=keys or Keys(),
    )
    app = FastAPI(
        title="RANIT",
        version=ranit_rag.__version__,
        description=_TOLD,
        lifespan=service.lifespan,
        responses=ERRORS,
        default_response_class=Json,
        docs_url=None,
        redoc_url=None,
        telemetry={"logs": False},
    )
    app.state.service = service
    handle_errors(app)
    for routes in (extraction_routes, decision_routes, store_routes, import_routes, info_routes, health_routes):
        app.include_router(routes(service))
    app.add_middleware(Requests, limits=service.limits, metrics=service.metrics, hosts=frozenset(hosts))
    app.openapi = document(app, keys_needed=bool(service.keys))  # type: ignore[method-assign]
    app.frontend("/page", directory=_PAGE, fallback=None, check_dir=False)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(manual(app.openapi()))

    @app.get("/docs.css", include_in_schema=False)
    async def docs_style() -> Response:
        return Response(STYLE, media_type="text/css")

    return app
