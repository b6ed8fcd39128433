"""What routes are given: whose key a request carries, the store in its path; and work that ends with its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeAlias, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ranit_rag.errors import StoreError
from ranit_rag.service.access import Key
from ranit_rag.service.errors import ClientLeftError, RefusedError
from ranit_rag.service.limits import STORE_NAME
from ranit_rag.service.state import Service
from ranit_rag.stores.checks import check_name

T = TypeVar("T")

_bearer = HTTPBearer(
    auto_error=False, description="A key: `Authorization: Bearer SECRET`. Not needed where none is set."
)


def service_of(request: Request) -> Service:
    """The service of the app that was asked."""
    service: Service = request.app.state.service
    return service


def _caller(
    request: Request, _credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
) -> Key:
    key = service_of(request).keys.holder(request.headers.get("authorization"))
    if key is None:
        raise RefusedError(
            401,
            "UnknownKey",
            "the request carries no known key",
            hint="send Authorization: Bearer SECRET",
            headers={"WWW-Authenticate": "Bearer"},
        )
    request.scope.setdefault("ranit.noted", {})["key"] = key.name
    return key


def _writer(caller: Annotated[Key, Depends(_caller)]) -> Key:
    if caller.access != "write":
        raise RefusedError(403, "ReadOnlyKey", f"the key {caller.name!r} may only read", hint="use one that may write")
    return caller


_Name = Annotated[
    str,
    Path(
        description="The store's name, percent-encoded.",
        json_schema_extra={"minLength": 1, "maxLength": STORE_NAME, "pattern": r"\S"},  # of what is encoded
    ),
]


def _store_name(name: _Name) -> str:
    """Only a name, whatever it looks like: stores are found by comparing it with those of the others."""
    try:
        decoded = check_name(unquote(name, errors="strict"))
    except (UnicodeDecodeError, StoreError) as error:
        raise _no_name("the address does not hold a store's name") from error
    if len(decoded) > STORE_NAME:
        raise _no_name(f"the store's name has {len(decoded)} characters, of {STORE_NAME} that are taken")
    return decoded


def _no_name(message: str) -> RefusedError:
    return RefusedError(422, "InvalidRequest", message, hint="any text in one line will do, in UTF-8, percent-encoded")


Caller: TypeAlias = Annotated[Key, Depends(_caller)]
Writer: TypeAlias = Annotated[Key, Depends(_writer)]
StoreName: TypeAlias = Annotated[str, Depends(_store_name)]


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """What ``work`` gives; once the body is read. Cancels it and raises ClientLeftError when the client goes."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientLeftError
    finally:
        leaving.cancel()
        working.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
