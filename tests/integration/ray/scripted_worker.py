"""What the workers of the cluster open: a Ranit with a scripted engine that takes its time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from ranit_rag import Conversation, Ranit, Reply, Settings
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine

MARK = "SCRIPTED_WORKER_MARK"


class Slow(ScriptedEngine):
    """Kills its process at "text 600", once: where the variable MARK names a file, that is not there before."""

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        time.sleep(0.05)
        mark = os.environ.get(MARK)
        if mark and any(each.source == "text 600" for each in conversations) and not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(conversations, max_tokens=max_tokens)


def open_scripted(settings: Settings) -> Ranit:
    refused = ServerError("the server hung up", hint="start it again")
    return Ranit(Slow({("bad", "n"): refused, ("text", "n"): ["text"]}), judge="never", settings=settings)
