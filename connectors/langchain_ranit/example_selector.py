"""The stores and the judge inside any few-shot prompt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.example_selectors import BaseExampleSelector

from ranit_rag import AddReport, Example, Ranit
from ranit_rag.errors import InputError


def write_pairs(example: Example) -> str:
    """The entities as a JSON list of pairs: ``[["Aspirin", "drug"]]``."""
    return json.dumps([[entity.text, entity.label] for entity in example.entities], ensure_ascii=False)


class RanitExampleSelector(BaseExampleSelector):
    """Selects what the judge finds worth showing with the input's text: an empty list where that is nothing.

    The text is the input variable ``text_key``. A selected example has the keys ``text`` and ``entities``, the latter
    written by ``write``. ``types`` are those that the prompt asks for. Examples that are added go to the store
    ``domain``, under the same keys: ``entities`` as ``write_pairs`` writes them, or ``{type: [mention, …]}``.

    FewShotPromptTemplate formats its examples twice, so that braces in them must be doubled: ``double_braces`` does
    so. FewShotChatMessagePromptTemplate needs none of it.
    """

    def __init__(
        self,
        ner: Ranit | None = None,
        *,
        types: Sequence[str] | Mapping[str, str] | None = None,
        domain: str | None = None,
        text_key: str = "text",
        write: Callable[[Example], str] = write_pairs,
        double_braces: bool = False,
    ) -> None:
        self.ner = ner if ner is not None else Ranit()
        self.types = types
        self.domain = domain
        self.text_key = text_key
        self._write = write
        self._double_braces = double_braces

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Raises InputError where the text is missing."""
        if self.text_key not in input_variables:
            raise InputError(
                f"the input has no {self.text_key!r}, only {', '.join(input_variables) or 'nothing'}",
                hint="say which variable holds the text: text_key=…",
            )
        decision = self.ner.decide(input_variables[self.text_key], self.types)
        examples = (shown.example for shown in decision.examples)
        return [self._shown({"text": example.text, "entities": self._write(example)}) for example in examples]

    def add_example(self, example: dict[str, Any]) -> AddReport:
        """Raises InputError without a ``domain``, DataError for an entity that does not stand in the text."""
        if self.domain is None:
            raise InputError("the selector has no store to add to", hint="name it: domain='news'")
        return self.ner.add_examples(self.domain, [_example(example)])

    def _shown(self, example: dict[str, str]) -> dict[str, str]:
        if not self._double_braces:
            return example
        return {key: value.replace("{", "{{").replace("}", "}}") for key, value in example.items()}


def _example(given: Mapping[str, Any]) -> Example:
    try:
        text, entities = given["text"], given["entities"]
        entities = json.loads(entities) if isinstance(entities, str) else entities
        if isinstance(entities, Mapping):
            mentions = {label: list(found) for label, found in entities.items()}
        else:
            mentions = {}
            for mention, label in entities:
                mentions.setdefault(label, []).append(mention)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{dict(given)!r} is not an example", hint='{"text": "…", "entities": [["mention", "type"], …]}'
        ) from error
    return Example.from_mentions(text, mentions)
