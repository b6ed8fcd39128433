"""``/v1/stores/…/import``: a file of examples into a store, with its problems told line by line."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from ranit_rag.service.answers import ImportAnswer
from ranit_rag.service.dependencies import StoreName, Writer
from ranit_rag.service.errors import Json, RefusedError, error_answer, request_id
from ranit_rag.service.imports import Order
from ranit_rag.service.openapi import IMPORT_BODY
from ranit_rag.service.state import Service
from ranit_rag.service.storing import added_fields, writable
from ranit_rag.service.uploads import receive_file
from ranit_rag.stores.formats import Format
from ranit_rag.stores.imports import LineProblem

_TOLD = 1000  # problems in an answer


def import_routes(service: Service) -> APIRouter:
    """The route, for a service."""
    router = APIRouter(prefix="/v1/stores", tags=["stores"], default_response_class=Json)
    one_at_a_time = asyncio.Lock()

    @router.post(
        "/{name}/import", response_model=ImportAnswer, openapi_extra=IMPORT_BODY, summary="Import a file of examples"
    )
    async def import_file(
        request: Request,
        caller: Writer,
        name: StoreName,
        format: Annotated[
            Format | Literal["auto"], Query(description="Told by the file's name, in a form, and by its content.")
        ] = "auto",
        language: Annotated[str, Query(pattern="^(en|zh|)$", description="Told from each text unless given.")] = "",
        skip_broken: Annotated[bool, Query(description="Import the sound records of a file with broken ones.")] = False,
        create: Annotated[bool, Query(description="Make the store if there is none of that name.")] = True,
    ) -> Any:
        """Import the examples of a file: the body itself, or the part `file` of a form.

        All records are checked before one is written. If any is broken, nothing is written and the answer is 422 with
        all problems, unless `skip_broken`. Importing a file again changes nothing. An import that the server's death
        cuts off is finished when the server starts again.
        """
        stores = await asyncio.to_thread(writable, service, caller, name, create=create)
        problems: list[LineProblem] = []

        def note(problem: LineProblem) -> None:
            if len(problems) < _TOLD:
                problems.append(problem)

        order = Order(name, format, language, skip_broken)
        with service.imports.staged() as staged:
            await receive_file(request, staged.file)
            async with one_at_a_time:  # they take long, and other requests need the threads as well
                report = await asyncio.to_thread(service.imports.run, staged, stores, order, on_problem=note)
        if not report.read + report.broken:
            raise RefusedError(422, "EmptyFile", "the file holds no examples", hint="name its format with ?format=")
        told = [_told(problem) for problem in problems]
        if report.added is None:
            fields = {
                "type": "BrokenRecords",
                "message": f"{report.broken} of {report.read + report.broken} records are broken: nothing was written",
                "hint": "mend them, or import the others with skip_broken=true",
                "problems": told,
            }
            return error_answer(request_id(request), 422, fields)
        return {**added_fields(report.added), "broken": report.broken, "problems": told}

    return router


def _told(problem: LineProblem) -> dict[str, Any]:
    return {"line": problem.line, "kind": problem.kind, "message": problem.reason, "hint": problem.hint}
