"""What an engine is asked: a shared prefix and the queries that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
AnswerForm = Literal["list", "object"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Query:
    """The last user turn, and the types that its answer speaks of (one, or all for an ``object`` answer)."""

    content: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A prefix (system, examples, text) shared by independent queries.

    ``form`` is the JSON that answers take: ``list`` of mentions, or ``object`` of such lists with a query's types as
    keys. Where ``source`` is given, engines that can constrain decoding let answers hold only substrings of it.
    """

    prefix: tuple[Message, ...]
    queries: tuple[Query, ...]
    form: AnswerForm = "list"
    source: str | None = None

    def messages(self, query: Query) -> tuple[Message, ...]:
        """The whole conversation that ends with ``query``."""
        return (*self.prefix, Message("user", query.content))
