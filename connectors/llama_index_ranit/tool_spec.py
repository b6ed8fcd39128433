"""Extraction as a tool of agents."""

# No postponed annotations here: a tool's description quotes the signature.

import json
from typing import Any

from llama_index.core.tools.tool_spec.base import BaseToolSpec

from ranit_rag import Ranit, RanitError


class ExtractionOutput(dict[str, Any]):
    """The JSON contract of an Extraction. As a string, what an agent reads: the entities and the judge's reason."""

    def __str__(self) -> str:
        shown = {"entities": self["entities"], "examples_shown": self["decisions"][0]["reason"]}
        if self["dropped"]:
            shown["dropped"] = self["dropped"]
        return json.dumps(shown, ensure_ascii=False)


class RanitToolSpec(BaseToolSpec):
    """The tool ``find_entities`` for agents: ``FunctionAgent(tools=RanitToolSpec(ner).to_tool_list(), …)``.

    ``ner`` is by default ``Ranit()``. A tool's ``raw_output`` is the JSON contract of the Extraction; what the agent
    reads is its entities. Errors say what to do about them, so that an agent can try again.
    """

    spec_functions = [("find_entities", "afind_entities")]  # noqa: RUF012 — declared so by the base class

    def __init__(self, ner: Ranit | None = None) -> None:
        self._ner = ner if ner is not None else Ranit()

    def find_entities(self, text: str, types: list[str] | None = None) -> ExtractionOutput:
        """Find every mention of the named types of entities in an English or Chinese text, with exact positions.

        Use it for names and terms: who, where, which organization, drug, product, law, amount. Any type can be asked
        for. Mentions are quoted from the text, none is made up; an empty list means that the text has none.

        Args:
            text (str): The text to search, unshortened and as it is.
            types (list): Names of the types to find, such as ["person", "drug"]; in Chinese for a Chinese text.

        """
        try:
            return ExtractionOutput(self._ner.extract(text, types).to_dict())
        except RanitError as error:
            raise _explained(error) from error

    async def afind_entities(self, text: str, types: list[str] | None = None) -> ExtractionOutput:
        """As ``find_entities``."""
        try:
            return ExtractionOutput((await self._ner.aextract(text, types)).to_dict())
        except RanitError as error:
            raise _explained(error) from error


def _explained(error: RanitError) -> RanitError:
    """The error with its hint in the message, which is all that an agent reads."""
    return type(error)(f"{error} ({error.hint})" if error.hint else str(error), hint=error.hint)
