"""An engine that asks another one nothing twice, also not after a kill: all answers are kept in a journal."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ranit_rag.engines.base import Answer, Engine, EngineInfo, Reply, Token
from ranit_rag.errors import EngineError
from ranit_rag.journal import Journal
from ranit_rag.prompts.conversation import Conversation
from ranit_rag.results import Usage

GENERATE = "generate"  # the stage under which a reply's usage tells the seconds that it took
JOURNAL = {"journal": "answers", "version": 1}


def open_journal(path: Path) -> Journal:
    """The journal of answers at ``path``, made if need be. Raises InputError where another run writes it."""
    return Journal(path, JOURNAL)


class RememberingEngine:
    """Answers from ``journal``, and asks ``engine`` what is not there.

    The key of an answer is a hash of all that it depends on: ``identity`` of the model, the whole conversation (system
    line, examples, text, queries), the form of the answer, the grammar's source and the token limit. Failures are not
    kept. In-process engines are asked for a batch at once, and a kill leaves all of its answers or none: so batches
    are the same in the run that goes on, and with them every digit of the scores. Servers batch by themselves; each of
    their replies is kept as it comes.
    """

    def __init__(self, engine: Engine, journal: Journal, identity: Mapping[str, Any]) -> None:
        self._engine = engine
        self._journal = journal
        self._identity = dict(identity)

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        keys = [self._key(conversation, max_tokens) for conversation in conversations]
        new = {key: each for key, each in zip(keys, conversations, strict=True) if key not in self._journal}
        failed = self._ask(new, max_tokens) if new else {}
        return [failed[key] if key in failed else self._known(key) for key in keys]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return await asyncio.to_thread(self.generate, conversations, max_tokens=max_tokens)

    def _key(self, conversation: Conversation, max_tokens: int) -> str:
        content = json.dumps([self._identity, max_tokens, asdict(conversation)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def _ask(self, new: Mapping[str, Conversation], max_tokens: int) -> dict[str, Reply]:
        """Put the answers into the journal; returns the replies that failed."""
        if self.info.name == "openai":
            return self._ask_each(new, max_tokens)
        started = time.perf_counter()
        replies = self._engine.generate(list(new.values()), max_tokens=max_tokens)
        share = (time.perf_counter() - started) / len(new)
        return self._keep(dict(zip(new, replies, strict=True)), share)

    def _ask_each(self, new: Mapping[str, Conversation], max_tokens: int) -> dict[str, Reply]:
        failed: dict[str, Reply] = {}
        with ThreadPoolExecutor(len(new)) as pool:  # the engine bounds how many requests are under way
            asked = {pool.submit(self._timed, each, max_tokens): key for key, each in new.items()}
            for done in as_completed(asked):
                reply, seconds = done.result()
                failed |= self._keep({asked[done]: reply}, seconds)
        return failed

    def _timed(self, conversation: Conversation, max_tokens: int) -> tuple[Reply, float]:
        started = time.perf_counter()
        reply = self._engine.generate([conversation], max_tokens=max_tokens)[0]
        return reply, time.perf_counter() - started

    def _keep(self, replies: Mapping[str, Reply], seconds: float) -> dict[str, Reply]:
        """Write the answers, each of which took ``seconds``; returns the replies that failed."""
        entries = [_entry(key, reply, seconds) for key, reply in replies.items() if reply.error is None]
        if entries:
            self._journal.add(*entries)
        return {key: reply for key, reply in replies.items() if reply.error is not None}

    def _known(self, key: str) -> Reply:
        entry = self._journal.get(key)
        if entry is None:
            raise EngineError(f"the journal has lost the answer {key}", hint="is somebody else writing to it?")
        answers = [
            Answer(each["text"], _tokens(each["tokens"]), "length" if each["finish"] == "length" else "stop")
            for each in entry["answers"]
        ]
        return Reply(tuple(answers), Usage(**entry["usage"]))


def _entry(key: str, reply: Reply, seconds: float) -> dict[str, Any]:
    answers = [
        {
            "text": answer.text,
            "finish": answer.finish,
            "tokens": None if answer.tokens is None else [[token.text, token.logprob] for token in answer.tokens],
        }
        for answer in reply.answers
    ]
    usage = {**asdict(reply.usage), "seconds": {**reply.usage.seconds, GENERATE: round(seconds, 6)}}
    return {"key": key, "answers": answers, "usage": usage}


def _tokens(pairs: list[tuple[str, float]] | None) -> tuple[Token, ...] | None:
    return None if pairs is None else tuple(Token(text, logprob) for text, logprob in pairs)
