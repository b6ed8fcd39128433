"""What the tests of the openai engine ask, and of whom."""

from __future__ import annotations

from typing import Any

from faulty_server import FaultyServer

from ranit_rag.engines.openai import OpenAIEngine
from ranit_rag.prompts.conversation import Conversation, Message, Query

TEXT = "Aspirin eased her migraine."


def conversation(text: str = TEXT, *types: str, source: bool = True, form: Any = "list") -> Conversation:
    prefix = (Message("system", "You answer."), Message("user", f"Text: {text}"), Message("assistant", "Read."))
    queries = tuple(Query(f"What describes {kind} in the text?", (kind,)) for kind in types or ("drug",))
    return Conversation(prefix, queries, form, text if source else None)


def engine(server: FaultyServer, **options: Any) -> OpenAIEngine:
    return OpenAIEngine("nano", **{"base_url": server.url, "retries": 0, "timeout": 5, **options})


def says(request: dict[str, Any], words: str) -> bool:
    return any(words in message["content"] for message in request["messages"])
