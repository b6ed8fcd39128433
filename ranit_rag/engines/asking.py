"""A plain question to an engine, for those that only want words."""

from __future__ import annotations

from collections.abc import Callable

from ranit_rag.engines.base import Engine
from ranit_rag.prompts import Conversation, Query


def asking(engine: Engine, *, max_tokens: int = 16) -> Callable[[str], str]:
    """A function from a prompt to what the engine answers. It raises the EngineError of a prompt that failed."""

    def ask(prompt: str) -> str:
        reply = engine.generate([Conversation((), (Query(prompt, ()),))], max_tokens=max_tokens)[0]
        if reply.error is not None:
            raise reply.error
        return reply.answers[0].text

    return ask
