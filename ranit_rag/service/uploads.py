"""Files that are sent to the server, as the whole body or as a part of a form."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from ranit_rag.service.errors import RefusedError


async def receive_file(request: Request, path: Callable[[str], Path]) -> None:
    """Write the file that a request brings to the ``path`` for its name, which is empty for a bare body.

    Memory holds a piece at a time. Raises RefusedError (422) where a form has no file.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        with path("").open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
        return
    async with request.form(max_files=1, max_fields=8) as form:
        given = next((part for part in form.values() if isinstance(part, UploadFile)), None)
        if given is None:
            raise RefusedError(422, "InvalidRequest", "the form has no file", hint="send it as the part 'file'")
        with path(given.filename or "").open("wb") as file:
            await run_in_threadpool(shutil.copyfileobj, given.file, file)
