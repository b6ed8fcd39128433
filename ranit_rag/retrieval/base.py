"""What a retriever is: texts in, decisions with the examples to show out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Protocol, runtime_checkable

from ranit_rag.errors import InputError
from ranit_rag.retrieval.lexicon import StoreLexicon, TextPrecedents
from ranit_rag.text.duplicates import NearDuplicates
from ranit_rag.types import Decision, EntityType, Example, ShownExample


@runtime_checkable
class Retriever(Protocol):
    """Decides which examples are worth showing to the model, or that none is."""

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:
        """One decision for each text, in their order.

        ``types`` may be empty: then ``Decision.types`` names those to ask for. No shown example equals or nearly
        repeats its text.
        """
        ...


class GivenExamples:
    """A ``Retriever`` that shows the examples given by hand, whatever the text, unless they nearly repeat it.

    Together they are the text's own store: their words are its precedents.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        self.examples = tuple(examples)

    @cached_property
    def _lexicon(self) -> StoreLexicon:
        return StoreLexicon(self.examples)

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:  # noqa: ARG002 — what was given is shown in any language
        asked = tuple(item.name for item in types)
        asked = asked or tuple(dict.fromkeys(label for example in self.examples for label in example.labels))
        return [self._decide(text, asked) for text in texts]

    def _decide(self, text: str, types: tuple[str, ...]) -> Decision:
        repeats = NearDuplicates(text)
        repeating = frozenset(row for row, example in enumerate(self.examples) if example.text in repeats)
        shown = tuple(ShownExample(each) for row, each in enumerate(self.examples) if row not in repeating)
        left_out = len(repeating)
        reason = f"{len(shown)} of {len(self.examples)} examples given by hand"
        if left_out:
            reason += f", {left_out} left out because the text nearly repeats it"
        if not shown:
            return Decision("none", reason, types=types)
        precedents = TextPrecedents(text, lambda: self._lexicon, lambda: repeating)
        return Decision("in_domain", reason, examples=shown, types=types, precedents=precedents)


class DecidedBefore:
    """A ``Retriever`` that repeats decisions taken before: one for each text in their order, or one for all of them."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self.decisions = tuple(decisions)

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:  # noqa: ARG002 — the types and the language were known before
        """Raises InputError where the decisions are neither one nor as many as the texts."""
        if len(self.decisions) not in (1, len(texts)):
            raise InputError(
                f"{len(self.decisions)} decisions are given for {len(texts)} windows of the text",
                hint="give one for each window, as Ranit.conversations has them, or a single one",
            )
        return list(self.decisions) if len(self.decisions) == len(texts) else list(self.decisions) * len(texts)


class NoExamples:
    """A ``Retriever`` that never shows any, for the ``reason`` given."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def decide(self, texts: Sequence[str], types: Sequence[EntityType], *, language: str) -> list[Decision]:  # noqa: ARG002 — nothing is looked at
        return [Decision("none", self.reason) for _ in texts]
