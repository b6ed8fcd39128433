"""The journal of an annotation run: every answer as soon as it is there, so that a killed run asks nothing again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ranit_rag import journal


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model wrote about the passage ``key``, and its cost in tokens."""

    key: str
    answer: str
    truncated: bool
    prompt_tokens: int
    output_tokens: int


def passage_key(text: str) -> str:
    """The name of a passage in a journal; equal passages are asked once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Journal:
    """The answers about passages, in a ``ranit_rag.journal``, and the tokens that they cost in all."""

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.prompt_tokens = self.output_tokens = 0
        self._entries = journal.Journal(path, asked, check=self._count)

    def _count(self, entry: journal.Entry) -> None:
        self.prompt_tokens += entry["prompt_tokens"]
        self.output_tokens += entry["output_tokens"]

    def add(self, answered: Answered) -> None:
        """Write an answer; after this it survives a kill."""
        self._entries.add(asdict(answered))

    def get(self, key: str) -> Answered | None:
        """The answer about a passage, or None where it was not asked."""
        entry = self._entries.get(key)
        return None if entry is None else Answered(**entry)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def close(self) -> None:
        """Let the next process have it."""
        self._entries.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
