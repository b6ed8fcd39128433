"""Extraction as a step of a chain or a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from ranit_rag import Extraction, Failure, Ranit, Request

Types = Sequence[str] | Mapping[str, str] | None
Contract = dict[str, Any]


class RanitExtractor(Runnable[str | Mapping[str, Any], Contract]):
    """A text goes in, its extraction comes out as a dict in the JSON contract: ``splitter | RanitExtractor(ner)``.

    The input is a text, or ``{"text", "types", "language"}`` to ask for other ``types`` than the extractor's own. A
    batch goes to the engine as one, which is much faster than text by text. Raises RanitError.
    """

    def __init__(self, ner: Ranit | None = None, types: Types = None) -> None:
        self.ner = ner if ner is not None else Ranit()
        self.types = types

    def invoke(self, input: str | Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> Contract:
        return self._call_with_config(self._extract, input, config, **kwargs)

    async def ainvoke(
        self, input: str | Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Contract:
        return await self._acall_with_config(self._aextract, input, config, **kwargs)

    def batch(
        self,
        inputs: list[str | Mapping[str, Any]],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any | None,
    ) -> list[Contract]:
        return self._batch_with_config(self._extract_all, inputs, config, return_exceptions=return_exceptions, **kwargs)

    async def abatch(
        self,
        inputs: list[str | Mapping[str, Any]],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any | None,
    ) -> list[Contract]:
        return await self._abatch_with_config(
            self._aextract_all, inputs, config, return_exceptions=return_exceptions, **kwargs
        )

    def _request(self, given: str | Mapping[str, Any]) -> Request:
        if isinstance(given, Mapping):
            return Request(given["text"], given.get("types") or self.types, language=given.get("language"))
        return Request(given, self.types)

    def _extract(self, given: str | Mapping[str, Any]) -> Contract:
        request = self._request(given)
        return self.ner.extract(request.text, request.types, language=request.language).to_dict()

    async def _aextract(self, given: str | Mapping[str, Any]) -> Contract:
        request = self._request(given)
        extraction = await self.ner.aextract(request.text, request.types, language=request.language)
        return extraction.to_dict()

    def _extract_all(self, given: list[str | Mapping[str, Any]]) -> list[Exception | Contract]:
        return [_outcome(result) for result in self.ner.extract_many(map(self._request, given))]

    async def _aextract_all(self, given: list[str | Mapping[str, Any]]) -> list[Exception | Contract]:
        return [_outcome(result) async for result in self.ner.aextract_many(map(self._request, given))]


def _outcome(result: Extraction | Failure) -> Exception | Contract:
    return result.error if isinstance(result, Failure) else result.to_dict()


class RanitNode(Runnable[Mapping[str, Any], Contract]):
    """A LangGraph node: reads ``state[text_key]``, and ``state[types_key]`` where there is one; writes ``output_key``.

    What it writes is the extraction in the JSON contract, so a conditional edge can branch on the judge's route:
    ``lambda state: state["extraction"]["decisions"][0]["route"]``. Raises RanitError; a retry policy is the graph's.
    """

    def __init__(
        self,
        ner: Ranit | None = None,
        types: Types = None,
        *,
        text_key: str = "text",
        types_key: str = "types",
        output_key: str = "extraction",
    ) -> None:
        self._extractor = RanitExtractor(ner, types)
        self._text_key = text_key
        self._types_key = types_key
        self._output_key = output_key

    def invoke(self, input: Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> Contract:
        return {self._output_key: self._extractor.invoke(self._read(input), config, **kwargs)}

    async def ainvoke(self, input: Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> Contract:
        return {self._output_key: await self._extractor.ainvoke(self._read(input), config, **kwargs)}

    def _read(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": state[self._text_key], "types": state.get(self._types_key)}
