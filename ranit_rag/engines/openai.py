"""Any OpenAI-compatible server as an engine: vLLM, Ollama, llama.cpp, hosted models.

Every server is asked in the same way, by chat completions; special tokens in texts are broken up before they are sent
(see ``defusing``). All requests run on one event loop in a thread of the engine's own, so that callers with and
without an event loop share one connection pool and one bound on concurrency.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

import openai

from ranit_rag.engines.attempts import PunctualClient
from ranit_rag.engines.base import Answer, EngineInfo, Reply
from ranit_rag.engines.checkpoint import Checkpoint, read_checkpoint
from ranit_rag.engines.completion import context_of, read_card, read_completion
from ranit_rag.engines.dialect import Constraint, Dialect
from ranit_rag.engines.server_errors import complaint, explain, too_long, without_credentials
from ranit_rag.engines.vocabulary import Vocabulary, load_vocabulary
from ranit_rag.errors import EngineError, InputError
from ranit_rag.prompts.conversation import Conversation, Query
from ranit_rag.results import Usage

Structured = Literal["auto", "vllm", "json_schema", "none"]

DEFAULT_CONTEXT = 4096
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Served:
    """What a server says of its models, with what this machine knows of the checkpoint behind ours."""

    models: tuple[str, ...]
    context: int | None
    checkpoint: Checkpoint
    vocabulary: Vocabulary


class OpenAIEngine:
    """Answers conversations with the model ``model`` of an OpenAI-compatible server.

    ``base_url`` and ``api_key`` default to the variables OPENAI_BASE_URL and OPENAI_API_KEY. The context is what the
    server reports, or ``context`` where that is less or the server does not say, or 4096 tokens. ``tokenizer``, a
    directory or hub name, makes token counts exact; where a vLLM server on this machine serves a local directory it is
    found there. Without one a count is an upper bound (``vocabulary.count_bytes``).

    ``structured`` says how answers are constrained to the text: ``vllm`` by the span grammar, ``json_schema`` by the
    form of the answer, ``none`` not at all; ``auto`` takes the best that the server offers and remembers it.
    ``timeout`` is in seconds and for one whole attempt, however slowly its answer drips. ``retries`` more follow where
    an attempt timed out, lost its connection, or was answered 408, 409, 429 or 5xx; after the pause that the server
    wants by Retry-After, else growing ones of up to 8 s. Where it wants more than two minutes it is not asked again.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        tokenizer: str | Path | None = None,
        context: int | None = None,
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 3,
        structured: Structured = "auto",
        profiles: Mapping[str, str] | None = None,
    ) -> None:
        address = (os.environ.get("OPENAI_BASE_URL") or None) if base_url is None else base_url
        if address is not None and not _is_http(address):
            raise InputError(
                f"{address!r} is not the URL of a server",
                hint="write it in full, for example http://localhost:8000/v1",
            )
        if structured not in get_args(Structured):
            raise InputError(
                f"structured={structured!r} is unknown", hint=f"it is one of {', '.join(get_args(Structured))}"
            )
        if concurrency < 1:
            raise InputError(f"concurrency must be at least 1, not {concurrency}")
        self._model = model
        self._context = context
        self._timeout = timeout
        self._structured = structured
        self._profiles = profiles
        self._vocabulary = load_vocabulary(tokenizer) if tokenizer is not None else None
        self._client = openai.AsyncOpenAI(
            base_url=address,
            api_key=api_key or os.environ.get("OPENAI_API_KEY") or "none",  # local servers need no key, the SDK does
            timeout=timeout,
            max_retries=retries,
            http_client=PunctualClient(timeout),
        )
        self._url = without_credentials(str(self._client.base_url)).rstrip("/")
        self._served: _Served | None = None
        self._asking = asyncio.Lock()
        self._slots = asyncio.Semaphore(concurrency)
        self._dialect = Dialect()
        self._settled = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop,), name="ranit-openai", daemon=True).start()
        weakref.finalize(self, _stop, self._loop, self._client)

    @property
    def info(self) -> EngineInfo:
        """Asks the server on first use; ServerError where it cannot be reached or is no OpenAI-compatible server."""
        served = self._known()
        profiles = served.checkpoint.profiles if self._profiles is None else self._profiles
        context = min((c for c in (served.context, self._context) if c), default=DEFAULT_CONTEXT)
        return EngineInfo(
            "openai",
            self._model,
            context,
            served.checkpoint.window,
            profiles,
            served.checkpoint.calibration,
            served.checkpoint.decoding,
            renormalised=True,  # as vLLM does; what other servers do is not known
        )

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` by the tokenizer where it is known, else an upper bound."""
        return (self._vocabulary or self._known().vocabulary).count(text)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Answer every query; what failed is in ``Reply.error``, also where all failed. Works inside an event loop."""
        return _wait(self._submit(self._answer_all(conversations, max_tokens)))

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """As ``generate``, without blocking the event loop; cancelling it cancels the requests."""
        return await asyncio.wrap_future(self._submit(self._answer_all(conversations, max_tokens)))

    def _submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _known(self) -> _Served:
        return self._served or _wait(self._submit(self._ask_server()))

    # What follows runs on the engine's loop.

    async def _answer_all(self, conversations: Sequence[Conversation], max_tokens: int) -> list[Reply]:
        try:
            served = await self._ask_server()
        except EngineError as error:
            return [Reply(error=error) for _ in conversations]
        # Requests take their slots in this order, so those of one prefix reach the server close together.
        return list(await asyncio.gather(*(self._answer(each, max_tokens, served) for each in conversations)))

    async def _answer(self, conversation: Conversation, max_tokens: int, served: _Served) -> Reply:
        spent: list[Usage] = []
        requests = [
            asyncio.ensure_future(self._answer_query(conversation, query, max_tokens, served, spent))
            for query in conversation.queries
        ]
        try:
            answers = await asyncio.gather(*requests)
        except EngineError as error:
            return Reply(usage=sum(spent, Usage()), error=error)
        finally:
            for request in requests:
                request.cancel()
        return Reply(tuple(answers), sum(spent, Usage()))

    async def _answer_query(
        self, conversation: Conversation, query: Query, max_tokens: int, served: _Served, spent: list[Usage]
    ) -> Answer:
        url = self._url + "/chat/completions"
        async with self._slots:
            while True:
                dialect = self._dialect
                body = dialect.body(self._model, conversation, query, max_tokens, served.vocabulary)
                try:
                    completion = await self._client.post("/chat/completions", body=body, cast_to=object)
                    break
                except (openai.OpenAIError, ValueError) as error:
                    if not self._concede(dialect, error):
                        raise self._explained(error, url, served.models) from error
        answer, usage = read_completion(completion, url=url, vocabulary=served.vocabulary)
        spent.append(usage)
        self._settled = self._settled or conversation.source is not None
        return dialect.unwrap(answer)

    def _concede(self, sent: Dialect, error: Exception) -> bool:
        """Whether to try again, without what the server refused. Once a request was answered, a refusal is final."""
        if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
            return False
        if self._dialect != sent:
            return True  # a request beside this one was refused before it, and its lesson is learned
        said = complaint(error)
        lesser = None if self._settled or too_long(said) else sent.without(said)
        if lesser is None:
            return False
        _logger.warning("going on with simpler requests, for %s said: %s", self._url, said)
        self._dialect = lesser
        return True

    def _explained(self, error: Exception, url: str, served: Sequence[str] = ()) -> EngineError:
        return explain(error, url=url, model=self._model, timeout=self._timeout, served=served)

    async def _ask_server(self) -> _Served:
        """Learn once what the server is. One that has no list of models is taken as it is."""
        async with self._asking:
            if self._served is None:
                url = self._url + "/models"
                try:
                    card, models = read_card(await self._client.get("/models", cast_to=object), self._model, url=url)
                except (openai.NotFoundError, openai.BadRequestError):
                    card, models = {}, ()
                except (openai.OpenAIError, ValueError) as error:
                    raise self._explained(error, url) from error
                is_vllm = card.get("owned_by") == "vllm"
                self._dialect = Dialect(_constraints(self._structured, is_vllm), template_arguments=is_vllm)
                self._served = await asyncio.to_thread(_describe, card, models, self._vocabulary)
            return self._served


def _describe(card: Mapping[str, Any], models: tuple[str, ...], vocabulary: Vocabulary | None) -> _Served:
    """Reads the served checkpoint's own files where vLLM names a directory that is on this machine."""
    root = Path(str(card.get("root", "")))
    is_here = card.get("owned_by") == "vllm" and (root / "tokenizer.json").is_file()
    if vocabulary is None:
        vocabulary = load_vocabulary(root) if is_here else Vocabulary()
    return _Served(models, context_of(card), read_checkpoint(root) if is_here else Checkpoint(), vocabulary)


def _constraints(structured: Structured, is_vllm: bool) -> tuple[Constraint, ...]:
    if structured == "vllm":
        return ("grammar",)
    if structured == "json_schema":
        return ("schema", "object_schema")
    if structured == "none":
        return ("free",)
    return ("grammar", "schema", "object_schema", "free") if is_vllm else ("schema", "object_schema", "free")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        return False


def _wait(future: Future[_T]) -> _T:
    try:
        return future.result()
    except BaseException:
        future.cancel()  # an interrupt ends the requests too
        raise


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop, client: openai.AsyncOpenAI) -> None:
    async def close() -> None:
        await client.close()
        loop.stop()

    asyncio.run_coroutine_threadsafe(close(), loop)
