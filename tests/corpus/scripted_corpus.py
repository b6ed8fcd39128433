"""A run to be killed: ``python scripted_corpus.py INPUT OUTPUT LOG``. Its engine notes all texts and takes its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ranit_rag import Conversation, Ranit, Reply
from ranit_rag.corpus import Corpus, Policy, extract_corpus, find_files
from ranit_rag.corpus.lanes import Lanes
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine

AT_ONCE = 8


class Noting(ScriptedEngine):
    def __init__(self, log: Path) -> None:
        super().__init__({("bad", "n"): ServerError("the server hung up"), ("text", "n"): ["text"]})
        self._log = log

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        with self._log.open("a") as log:
            log.writelines(f"{each.source}\n" for each in conversations)
        time.sleep(0.01)
        self.conversations.clear()
        return super().generate(conversations, max_tokens=max_tokens)


def main(source: str, output: str, log: str) -> None:
    extract_corpus(
        Ranit(Noting(Path(log)), judge="never"),
        Corpus(find_files([source]).files),
        Path(output),
        types={"n": ""},
        policy=Policy(part_size=100),
        lanes=Lanes(texts=AT_ONCE),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
