"""Asking a model about passages: many at once, each answer in the journal before the next is asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai

from ranit_rag.engines.base import Answer
from ranit_rag.engines.completion import read_completion
from ranit_rag.engines.defusing import defuse
from ranit_rag.engines.server_errors import explain, without_credentials
from ranit_rag.engines.vocabulary import Vocabulary
from ranit_rag.errors import EngineError, InputError, ServerError
from ranit_rag.results import Usage
from ranit_training.annotate.journal import Answered, Journal, passage_key
from ranit_training.annotate.pace import LONGEST_PAUSE, Pace, retry_after
from ranit_training.annotate.recipe import Recipe
from ranit_training.passages import Passage

_FATAL = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
_BUSY = (429, 503)
_PASSING = (openai.InternalServerError, openai.ConflictError)
_FAILED_IN_A_ROW = 8  # or the concurrency, where that is more
NAMED_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Annotator:
    """The model that annotates, behind an OpenAI-compatible server.

    ``request`` is merged into the body of each request (None removes a field): servers disagree on names.
    ``timeout`` is in seconds for one attempt; ``retries`` more follow where it failed in passing. While the server says
    that it is busy (429, 503) all requests wait as long as it asks, for at most ``patience`` seconds without an answer.
    """

    model: str
    recipe: Recipe
    base_url: str | None = None
    api_key: str | None = None
    concurrency: int = 16
    max_tokens: int = 1024
    timeout: float = 120.0
    retries: int = 4
    patience: float = 900.0
    request: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_tokens < 1 or self.retries < 0:
            raise InputError(
                f"concurrency {self.concurrency}, max_tokens {self.max_tokens}, retries {self.retries}",
                hint="at least one request at a time, one token, and no fewer than 0 retries",
            )

    @property
    def asked(self) -> dict[str, Any]:
        """What decides the answers: a journal holds answers to one such question only."""
        return {
            "model": self.model,
            "recipe": self.recipe.pin,
            "max_tokens": self.max_tokens,
            "request": dict(self.request),
        }

    def body(self, text: str) -> dict[str, Any]:
        """The JSON of a request."""
        body = {
            "model": self.model,
            "messages": self.recipe.messages(defuse(text)),
            "temperature": 0,
            "max_tokens": self.max_tokens,
            **self.request,
        }
        return {name: value for name, value in body.items() if value is not None}


@dataclass(slots=True)
class Tally:
    """Passages: ``asked`` now with success, ``known`` from the journal or from an equal one, and ``failed``."""

    asked: int = 0
    known: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)


def ask_all(passages: Iterable[Passage], annotator: Annotator, journal: Journal) -> Tally:
    """Ask about every passage that the journal does not know, equal ones once.

    A passage that the server refuses is counted in ``failed`` and asked again by the next run. Raises EngineError where
    the server cannot be used at all: at the first passage, before the others are asked, or when it fails for good.
    """
    return asyncio.run(_ask_all(passages, annotator, journal))


async def _ask_all(passages: Iterable[Passage], annotator: Annotator, journal: Journal) -> Tally:
    tally = Tally()
    waiting = _unasked(passages, journal, tally)
    key = annotator.api_key or os.environ.get("OPENAI_API_KEY") or "none"  # local servers need none, the SDK does
    async with openai.AsyncOpenAI(
        base_url=annotator.base_url, api_key=key, timeout=annotator.timeout, max_retries=0
    ) as client:
        asker = _Asker(client, annotator, journal, tally)
        for first in waiting:
            await asker.ask(first, is_first=True)
            break
        workers = [asyncio.create_task(asker.work(waiting)) for _ in range(annotator.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
    return tally


class _Asker:
    """Asks passage by passage; many of its ``work`` share one iterator."""

    def __init__(self, client: openai.AsyncOpenAI, annotator: Annotator, journal: Journal, tally: Tally) -> None:
        self._client = client
        self._annotator = annotator
        self._journal = journal
        self._tally = tally
        self._pace = Pace()
        self._failed_in_a_row = 0

    async def work(self, waiting: Iterator[Passage]) -> None:
        for passage in waiting:
            await self.ask(passage)

    async def ask(self, passage: Passage, *, is_first: bool = False) -> None:
        try:
            answer, usage = await self._answer(passage.text)
        except (openai.OpenAIError, ValueError, EngineError) as error:
            self._fail(passage, error, is_first)
        else:
            self._failed_in_a_row = 0
            self._tally.asked += 1
            self._journal.add(
                Answered(
                    passage_key(passage.text),
                    answer.text,
                    answer.finish == "length",
                    usage.prompt_tokens,
                    usage.output_tokens,
                )
            )

    async def _answer(self, text: str) -> tuple[Answer, Usage]:
        body = self._annotator.body(text)
        failed = 0
        while True:
            await self._pace.ready()
            try:
                completion = await self._client.post("/chat/completions", body=body, cast_to=object)
                self._pace.answered()
                if isinstance(completion, Mapping):
                    return read_completion(completion, url=self._url, vocabulary=Vocabulary())
                raise ValueError(f"it is {completion!r}")
            except openai.APIStatusError as error:
                if _is_busy(error) and self._pace.waited < self._annotator.patience:
                    self._pace.hold(retry_after(error.response.headers))
                    continue
                if not isinstance(error, _PASSING) or failed == self._annotator.retries:
                    raise
            except (openai.APIConnectionError, ValueError):  # a ValueError is an answer that is not JSON
                if failed == self._annotator.retries:
                    raise
            failed += 1
            await asyncio.sleep(min(0.25 * 2**failed, LONGEST_PAUSE))

    def _fail(self, passage: Passage, error: Exception, is_first: bool) -> None:
        """Count a failure; raise it where the others would fail as well."""
        told = error if isinstance(error, EngineError) else self._explained(error)
        self._failed_in_a_row += 1
        unusable = isinstance(error, _FATAL) or _is_spent(error)
        if unusable or (is_first and isinstance(error, openai.APIConnectionError | ValueError)):
            raise told from error
        if self._failed_in_a_row > max(_FAILED_IN_A_ROW, self._annotator.concurrency):
            raise ServerError(
                f"{self._failed_in_a_row} passages in a row failed, the last with: {told.message}",
                hint="see to the server, then run the same command again: what was answered is not asked again",
            ) from error
        self._tally.failed += 1
        if len(self._tally.failures) < NAMED_FAILURES:
            self._tally.failures.append(f"{passage.origin}: {told.message}")

    @property
    def _url(self) -> str:
        return without_credentials(str(self._client.base_url)).rstrip("/") + "/chat/completions"

    def _explained(self, error: Exception) -> EngineError:
        return explain(error, url=self._url, model=self._annotator.model, timeout=self._annotator.timeout)


def _is_spent(error: Exception) -> bool:
    """Hosted services answer 429 also where the account is empty, which no waiting helps."""
    return isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota"


def _is_busy(error: openai.APIStatusError) -> bool:
    return error.status_code in _BUSY and not _is_spent(error)


def _unasked(passages: Iterable[Passage], journal: Journal, tally: Tally) -> Iterator[Passage]:
    seen: set[str] = set()
    for passage in passages:
        key = passage_key(passage.text)
        if key in journal or key in seen:
            tally.known += 1
            continue
        seen.add(key)
        yield passage
