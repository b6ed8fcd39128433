"""What a model server takes: the best form of a request, given up part by part as the server refuses it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from ranit_rag.engines.base import Answer
from ranit_rag.engines.defusing import defuse
from ranit_rag.engines.grammar import span_grammar
from ranit_rag.engines.spelling import cut
from ranit_rag.engines.vocabulary import Vocabulary
from ranit_rag.prompts.conversation import Conversation, Message, Query

Constraint = Literal["grammar", "schema", "object_schema", "free"]

_STRINGS = {"type": "array", "items": {"type": "string"}}
_WRAPPER = "entities"
_WRAPPED = re.compile(rf'\s*{{\s*"{_WRAPPER}"\s*:\s*')
_CONSTRAINT_WORDS = ("response_format", "schema", "grammar", "structured")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How requests are put to one server; ``constraints`` are the ways to constrain an answer, the best first.

    ``grammar`` (vLLM) lets mentions be spans of the text only. ``schema`` is the JSON schema of the answer's form;
    ``object_schema`` puts a list inside ``{"entities": …}``, for servers that take objects alone at the top.
    """

    constraints: tuple[Constraint, ...] = ("free",)
    logprobs: bool = True
    temperature: bool = True
    system: bool = True
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    template_arguments: bool = False

    def body(
        self, model: str, conversation: Conversation, query: Query, max_tokens: int, vocabulary: Vocabulary
    ) -> dict[str, Any]:
        """The JSON of a chat completion request."""
        turns = conversation.messages(query)
        if not self.system:
            turns = _without_system(turns)
        body: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": turn.role, "content": defuse(turn.content, vocabulary.special_tokens)} for turn in turns
            ],
            self.limit: max_tokens,
        }
        if self.temperature:
            body["temperature"] = 0
        if self.logprobs:
            body["logprobs"] = True
        if self.template_arguments:
            body["chat_template_kwargs"] = {"enable_thinking": False}
        if conversation.source is not None:
            body |= self._constraint(conversation, query, conversation.source, vocabulary)
        return body

    def _constraint(
        self, conversation: Conversation, query: Query, source: str, vocabulary: Vocabulary
    ) -> dict[str, Any]:
        kind = self.constraints[0]
        if kind == "free":
            return {}
        if kind == "grammar":
            shown = defuse(source, vocabulary.special_tokens)  # the text as the model reads it
            types = query.types if conversation.form == "object" else ()  # one list grammar serves all types of a text
            grammar = span_grammar(shown, form=conversation.form, types=types, surface=vocabulary.surface)
            return {"structured_outputs": {"grammar": grammar}}
        if conversation.form == "object":
            schema = _object_of(query.types)
        else:
            schema = _STRINGS if kind == "schema" else _object_of((_WRAPPER,))
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        }

    def without(self, complaint: str) -> Dialect | None:
        """The dialect less the part that the server complains of; None where it complains of nothing that can go."""
        said = complaint.lower()
        if self.logprobs and "logprob" in said:
            return replace(self, logprobs=False)
        if self.limit == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in said:
            return replace(self, temperature=False)
        if self.template_arguments and "chat_template_kwargs" in said:
            return replace(self, template_arguments=False)
        if len(self.constraints) > 1 and any(word in said for word in _CONSTRAINT_WORDS):
            return replace(self, constraints=self.constraints[1:])
        if self.system and ("system" in said or "alternate" in said):
            return replace(self, system=False)
        return None

    def unwrap(self, answer: Answer) -> Answer:
        """The list that an ``object_schema`` answer holds; anything else as it is."""
        opening = _WRAPPED.match(answer.text) if self.constraints[0] == "object_schema" else None
        if opening is None:
            return answer
        start, end = opening.end(), len(answer.text.rstrip().removesuffix("}").rstrip())
        tokens = None if answer.tokens is None else cut(answer.tokens, start, end)
        return Answer(answer.text[start:end], tokens, answer.finish)


def _without_system(turns: tuple[Message, ...]) -> tuple[Message, ...]:
    """The system line at the head of the first user turn, for chat templates that know no system turn."""
    if turns[0].role != "system":
        return turns
    system, first, *rest = turns
    return (Message(first.role, f"{system.content}\n\n{first.content}"), *rest)


def _object_of(keys: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(keys, _STRINGS),
        "required": list(keys),
        "additionalProperties": False,
    }
