"""Extraction as a tool for agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.tools import BaseTool, ToolException
from langchain_core.tools.base import ArgsSchema
from pydantic import BaseModel, Field, ValidationError

from ranit_rag import Extraction, Ranit, RanitError

Answer = tuple[str, dict[str, Any]]

DESCRIPTION = """\
Find every named entity of the kinds you name in a text, and where it stands. Call it whenever you need exact mentions \
(people, drugs, laws, products, dates …) instead of reading the text for them yourself: it overlooks less, and it \
cannot name what does not stand in the text. Pass the text whole and unchanged, English or Chinese, of any length, and \
all the kinds in one call. The answer is JSON: each entity with its text, its kind as label, start and end (offsets in \
characters, so that text[start:end] is the mention) and a score from 0 to 1; no entities means that there are none. It \
neither answers questions nor relates entities to each other."""


class ExtractInput(BaseModel):
    """What the model fills in."""

    text: str = Field(description="The text to read, whole and unchanged.")
    types: list[str] | dict[str, str] | None = Field(
        default=None,
        description='The kinds of entity to find, in plain words: ["drug", "side effect"]. Where a name alone could '
        'be misunderstood give definitions: {"subject": "a person who took part in the trial"}.',
    )


def _explain(error: Any) -> str:
    """Tells the model which argument was wrong, so that it can call again."""
    return f"The arguments are wrong. {error}" if isinstance(error, ValidationError) else str(error)


class RanitTool(BaseTool):
    """Gives an agent RANIT: the model reads the entities as JSON, the artifact is the whole extraction as a dict.

    ``ner`` does the work; share one among all that use it. ``types`` are asked for where the model names none; without
    them, those of the store that the judge chooses. A RanitError becomes a message to the model, with the remedy, so
    that it can correct itself; ``handle_tool_error=False`` raises it as ToolException instead.
    """

    name: str = "find_entities"
    description: str = DESCRIPTION
    args_schema: ArgsSchema | None = ExtractInput
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: bool | str | Callable[[Any], str] | None = _explain
    ner: Ranit = Field(default_factory=Ranit, exclude=True, repr=False)
    types: list[str] | dict[str, str] | None = None

    def _run(
        self,
        text: str,
        types: list[str] | dict[str, str] | None = None,
        run_manager: CallbackManagerForToolRun | None = None,  # noqa: ARG002 — there is nothing to trace below
    ) -> Answer:
        try:
            return _answer(self.ner.extract(text, types or self.types))
        except RanitError as error:
            raise _exception(error) from error

    async def _arun(
        self,
        text: str,
        types: list[str] | dict[str, str] | None = None,
        run_manager: AsyncCallbackManagerForToolRun | None = None,  # noqa: ARG002 — there is nothing to trace below
    ) -> Answer:
        try:
            return _answer(await self.ner.aextract(text, types or self.types))
        except RanitError as error:
            raise _exception(error) from error


def _answer(extraction: Extraction) -> Answer:
    contract = extraction.to_dict()
    return json.dumps({"entities": contract["entities"]}, ensure_ascii=False), contract


def _exception(error: RanitError) -> ToolException:
    return ToolException(f"{error}: {error.hint}" if error.hint else str(error))
