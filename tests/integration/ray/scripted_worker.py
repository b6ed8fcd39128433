"""What the workers of the cluster open: a Ranit with a scripted engine that takes its time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ranit_rag import Conversation, Ranit, Reply, Settings
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine


class Slow(ScriptedEngine):
    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        time.sleep(0.05)
        return super().generate(conversations, max_tokens=max_tokens)


def open_scripted(settings: Settings) -> Ranit:
    refused = ServerError("the server hung up", hint="start it again")
    return Ranit(Slow({("bad", "n"): refused, ("text", "n"): ["text"]}), judge="never", settings=settings)
