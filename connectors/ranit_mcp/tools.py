"""The tools. Their docstrings and fields are what a model reads to choose among them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import Field

from ranit_rag import AddReport, Example, Ranit, RanitError, Settings, StoreStats, store_stats

T = TypeVar("T")

Text = Annotated[str, Field(description="The text to read, whole and unchanged. It may be of any length.")]
Texts = Annotated[list[str], Field(description="The texts to read, each whole and unchanged.", max_length=256)]
Types = Annotated[
    list[str] | dict[str, str] | None,
    Field(
        description='The kinds of entity to find, in plain words: ["drug", "side effect"]. Where a name alone could '
        'be misunderstood give definitions: {"subject": "a person who took part in the trial"}. Without any, the '
        "kinds of the store that suits the text are asked for."
    ),
]
Language = Annotated[Literal["en", "zh"] | None, Field(description="Told from the text unless given.")]


class Tools:
    """The tools over one Ranit: the one given, or one opened by ``settings`` for as long as the server runs."""

    def __init__(self, ner: Ranit | None, settings: Settings | None, *, time_limit: float) -> None:
        self._given = ner
        self._settings = settings
        self._time_limit = time_limit
        self._ner: Ranit | None = ner

    @property
    def ner(self) -> Ranit:
        """Raises RuntimeError before the server has started."""
        if self._ner is None:
            raise RuntimeError("the server has not started")
        return self._ner

    @asynccontextmanager
    async def opened(self, _: MCPServer[None]) -> AsyncIterator[None]:
        """The server's lifespan: a model is loaded before the first request, not by it."""
        if self._ner is None:
            self._ner = await anyio.to_thread.run_sync(lambda: Ranit(settings=self._settings))
        yield
        self._ner = self._given

    async def extract(
        self, ctx: Context[None, Any], text: Text, types: Types = None, language: Language = None
    ) -> CallToolResult:
        """Find every named entity of the kinds you name in a text, and where it stands.

        Use it whenever exact mentions are needed (people, drugs, laws, products, dates …) instead of reading the text
        for them: it overlooks less and cannot name what does not stand in the text. Ask for all kinds in one call.
        Each entity has its text, its kind as label, start and end (offsets in characters, end exclusive) and a score
        from 0 to 1. The structured result also tells which stored examples the model was shown, why, and the cost.
        """
        await ctx.report_progress(0, 1, "reading")
        extraction = (await self._within_limit(self.ner.aextract(text, types, language=language))).to_dict()
        await ctx.report_progress(1, 1, f"{len(extraction['entities'])} entities")
        return _result({"entities": extraction["entities"]}, extraction)

    async def extract_many(
        self, ctx: Context[None, Any], texts: Texts, types: Types = None, language: Language = None
    ) -> CallToolResult:
        """Find every named entity of the kinds you name in several texts at once.

        As extract, with one result for each text, in their order; a text that fails has an error in its place, and the
        others are not lost. Progress counts the texts that are done.
        """
        results: list[dict[str, Any]] = []

        async def read() -> None:
            async for result in self.ner.aextract_many(texts, types, language=language):
                results.append(result.to_dict())
                await ctx.report_progress(len(results), len(texts))

        await self._within_limit(read())
        read_by_model = [{key: result[key] for key in ("entities", "error") if key in result} for result in results]
        return _result({"results": read_by_model}, {"results": results})

    def list_stores(self) -> list[StoreStats]:
        """List the example stores: for each domain the kinds of entity that its examples annotate, and how many.

        Examples of a store are shown to the model with texts that belong to its domain. The names of kinds that a
        store knows are the best ones to ask for.
        """
        try:
            return [store_stats(self.ner.stores.open(name)) for name in self.ner.stores.names()]
        except RanitError as error:
            raise told(error) from error

    async def add_example(
        self,
        ctx: Context[None, Any],
        store: Annotated[str, Field(description="The store's name, a domain such as 'news'; a new one is made.")],
        text: Annotated[str, Field(description="The example's text, a sentence or a short paragraph.")],
        entities: Annotated[
            dict[str, list[str]],
            Field(
                description='All mentions by kind, as they stand in the text: {"person": ["Ada Lovelace"]}. Every '
                "place where a mention stands counts. Empty where the text has none."
            ),
        ],
    ) -> CallToolResult:
        """Write a correctly annotated text to an example store, so that later extractions learn from it.

        Only add what is certainly right, best after a person confirmed it: wrong examples make extraction worse. An
        example with the same text is replaced.
        """
        try:
            report = await anyio.to_thread.run_sync(self._add, store, text, entities)
        except RanitError as error:
            raise told(error) from error
        await ctx.notify_resource_updated("ranit://stores")
        await ctx.notify_resource_updated(f"ranit://stores/{quote(store.strip(), safe='')}")
        return _result(asdict(report), asdict(report))

    def _add(self, store: str, text: str, entities: dict[str, list[str]]) -> AddReport:
        return self.ner.add_examples(store, [Example.from_mentions(text, entities, source="mcp")])

    async def _within_limit(self, work: Awaitable[T]) -> T:
        try:
            with anyio.fail_after(self._time_limit):
                return await work
        except TimeoutError as error:
            raise ToolError(
                f"the model did not answer within {self._time_limit:g} seconds: try again with less text"
            ) from error
        except RanitError as error:
            raise told(error) from error


def told(error: RanitError) -> ToolError:
    """An error as the model reads it, with what to do about it."""
    return ToolError(f"{error}: {error.hint}" if error.hint else str(error))


def _result(content: dict[str, Any], structured: dict[str, Any]) -> CallToolResult:
    """What the model reads, kept short, and the whole result for the program around it."""
    text = json.dumps(content, ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)
