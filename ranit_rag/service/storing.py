"""``/v1/stores``: what is in the stores, and what is written to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from ranit_rag.retrieval.filling import fill
from ranit_rag.service.access import Key
from ranit_rag.service.answers import AddAnswer, DeleteAnswer, ExamplesPage, StoreAnswer, StoresAnswer
from ranit_rag.service.bodies import AnnotatedText, NewExamples
from ranit_rag.service.dependencies import Caller, StoreName, Writer
from ranit_rag.service.errors import Json, RefusedError
from ranit_rag.service.openapi import EXPORT_ANSWERS
from ranit_rag.service.state import Service, known_store
from ranit_rag.stores.base import AddReport, StoreSet, store_stats
from ranit_rag.stores.formats.jsonl import jsonl_lines
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import CORRECTED, Example

Create = Annotated[bool, Query(description="Make the store if there is none of that name.")]


def store_routes(service: Service) -> APIRouter:
    """The routes, for a service. What they ask of the stores runs in threads."""
    router = APIRouter(prefix="/v1/stores", tags=["stores"], default_response_class=Json)

    @router.get("", response_model=StoresAnswer, summary="List stores")
    async def list_stores(caller: Caller) -> dict[str, Any]:
        """All stores that the key sees, with what is in them."""

        def listed() -> list[dict[str, Any]]:
            stores = service.stores(caller)
            return [_described(service, caller, stores, name) for name in stores.names()]

        return {"stores": await asyncio.to_thread(listed)}

    @router.get("/{name}", response_model=StoreAnswer, summary="Tell what is in a store")
    async def stats(caller: Caller, name: StoreName) -> dict[str, Any]:
        def described() -> dict[str, Any]:
            stores = service.stores(caller)
            return _described(service, caller, stores, known_store(stores, name))

        return await asyncio.to_thread(described)

    @router.delete("/{name}", response_model=DeleteAnswer, summary="Delete a store with all its examples")
    async def delete(caller: Writer, name: StoreName) -> dict[str, int]:
        def deleted() -> int:
            stores = writable(service, caller, name)
            known = known_store(stores, name)
            size = len(stores.open(known))
            stores.delete(known)
            return size

        return {"deleted": await asyncio.to_thread(deleted)}

    @router.get("/{name}/examples", response_model=ExamplesPage, summary="Read examples")
    async def examples(
        caller: Caller,
        name: StoreName,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        query: Annotated[str, Query(description="Only those whose text or types hold it.", max_length=1000)] = "",
    ) -> dict[str, Any]:
        """A page of a store's examples, in the order in which they came."""

        def page() -> dict[str, Any]:
            stores = service.stores(caller)
            kept = stores.open(known_store(stores, name)).snapshot().examples
            found = [example for example in kept if _holds(example, query.casefold())] if query.strip() else kept
            shown = [example.to_dict() for example in found[offset : offset + limit]]
            return {"examples": shown, "total": len(found), "offset": offset}

        return await asyncio.to_thread(page)

    @router.post("/{name}/examples", response_model=AddAnswer, summary="Add examples")
    async def add(caller: Writer, name: StoreName, body: NewExamples, create: Create = False) -> dict[str, Any]:
        """Add annotated texts. One takes the place of an example with the same text."""
        return await asyncio.to_thread(_add, service, caller, name, body.examples, "service", create)

    @router.post("/{name}/corrections", response_model=AddAnswer, summary="Save a correction")
    async def correct(caller: Writer, name: StoreName, body: AnnotatedText, create: Create = False) -> dict[str, Any]:
        """Save a text with its entities as they should be: from now on texts like it may be shown the example."""
        return await asyncio.to_thread(_add, service, caller, name, [body], CORRECTED, create)

    @router.delete("/{name}/examples/{example_id}", response_model=DeleteAnswer, summary="Delete an example")
    async def delete_example(caller: Writer, name: StoreName, example_id: str) -> dict[str, int]:
        def deleted() -> int:
            stores = writable(service, caller, name)
            return stores.open(known_store(stores, name)).delete([example_id])

        count = await asyncio.to_thread(deleted)
        if not count:
            raise RefusedError(404, "NoSuchExample", "the store has no example with this id")
        return {"deleted": count}

    @router.get("/{name}/export", responses=EXPORT_ANSWERS, response_class=Response, summary="Export a store")
    async def export(caller: Caller, name: StoreName) -> Response:
        """All examples as JSON lines."""

        def lines() -> Iterator[str]:
            stores = service.stores(caller)
            return jsonl_lines(stores.open(known_store(stores, name)).snapshot().examples)

        return StreamingResponse(
            await asyncio.to_thread(lines),
            media_type="application/jsonl",
            headers={"Content-Disposition": 'attachment; filename="examples.jsonl"'},
        )

    return router


def writable(service: Service, caller: Key, name: str, *, create: bool = False) -> StoreSet:
    """The stores of a key, where it may write to this one. Raises RefusedError: 404 where it is not there, else 403."""
    stores = service.stores(caller)
    if not create:
        known_store(stores, name)
    elif caller.stores is not None and name not in caller.stores:
        raise RefusedError(403, "NotYours", f"the key {caller.name!r} has no store {name!r}", hint="use one of its own")
    if service.readonly(name):
        raise RefusedError(
            403, "ReadOnlyStore", f"{name!r} is a bundled store, which stays as it is", hint="write to another store"
        )
    return stores


def _add(
    service: Service, caller: Key, name: str, texts: list[AnnotatedText], source: str, create: bool
) -> dict[str, Any]:
    stores = writable(service, caller, name, create=create)
    examples = [Example.from_dict(text.record(source)) for text in texts]
    report = fill(stores, name, examples)
    kept = stores.open(name).snapshot()
    ids = [kept.examples[kept.row_of_key[text_fingerprint(each.text)]].id for each in examples]
    return {**added_fields(report), "ids": ids}


def added_fields(report: AddReport) -> dict[str, int]:
    """What became of examples that were added."""
    return {
        "added": report.added,
        "replaced": report.replaced,
        "unchanged": report.present,
        "duplicates": report.duplicates,
    }


def _described(service: Service, caller: Key, stores: StoreSet, name: str) -> dict[str, Any]:
    store = stores.open(name)
    stats = store_stats(store)
    return {
        "name": stats.domain,
        "size": stats.examples,
        "mentions": stats.mentions,
        "language": next(iter(stats.languages), ""),
        "types": stats.types,
        "languages": stats.languages,
        "embedding": {"name": stats.embedding.name, "dimension": stats.embedding.dimension},
        "version": stats.version,
        "readonly": caller.access != "write" or service.readonly(name),
        "threshold": stats.notes.get("threshold"),
        "unfinished": stats.unfinished,
    }


def _holds(example: Example, query: str) -> bool:
    return query in example.text.casefold() or any(query in label.casefold() for label in example.labels)
