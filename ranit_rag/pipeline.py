"""Ranit: the one way through the house."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ranit_rag.collecting import collect
from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.asking import asking
from ranit_rag.engines.base import Engine, Reply
from ranit_rag.errors import InputError
from ranit_rag.planning import Plan, Planner, Request
from ranit_rag.progress import track
from ranit_rag.prompts import Conversation, Query, load_profile
from ranit_rag.retrieval.base import Retriever
from ranit_rag.retrieval.judge import Judge
from ranit_rag.retrieval.opening import StoresAsConfigured
from ranit_rag.retrieval.strategies import check_strategy
from ranit_rag.stores.base import AddReport, StoreSet
from ranit_rag.types import Decision, EntityType, Example, Extraction, Failure, ShownExample, Usage, entity_types

if TYPE_CHECKING:
    from typing import TypeAlias

    Types: TypeAlias = Sequence[str | EntityType] | Mapping[str, str] | None

__all__ = ["Plan", "Ranit", "Request"]

# Texts that share a batch of extract_many: one at first, so that a result comes soon, then more, to fill the engine.
_FIRST_CHUNK, _LARGEST_CHUNK = 1, 32


@dataclass(frozen=True, slots=True)
class _Job:
    """A planned text on its way to the engine."""

    request: Request
    language: str
    plans: list[Plan]
    seconds: float


class Ranit:
    """Finds entities of any named types in English and Chinese text.

    ``engine`` is an Engine, or a model's directory or name for the transformers engine; None is what ``settings``
    say, and without any the embedded model. ``profile`` is the name or file of the prompts, None those that the model
    was trained with.

    Which examples are shown is decided text by text. ``stores`` is where they are: a StoreSet, a directory, or the URL
    of a Chroma server; where neither it nor the settings say, the bundled seed stores. ``judge`` is a judge's name or
    callable, ``strategy`` how ``k`` examples are chosen, ``domain`` the only store to consider; None stands for what
    the settings say. A ``retriever`` of your own takes the place of all of these.

    >>> from ranit_rag import Ranit
    >>> from ranit_rag.testing import ScriptedEngine
    >>> ner = Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}, score=0.5), judge="never")
    >>> ner.extract("Aspirin eased her migraine.", ["drug", "disease"]).entities
    (Entity(text='Aspirin', label='drug', start=0, end=7, score=0.5),)
    """

    def __init__(
        self,
        engine: Engine | str | Path | None = None,
        *,
        stores: StoreSet | str | Path | None = None,
        judge: str | Judge | None = None,
        strategy: str | None = None,
        k: int | None = None,
        domain: str | None = None,
        retriever: Retriever | None = None,
        profile: str | Path | None = None,
        settings: Settings | None = None,
    ) -> None:
        settings = settings if settings is not None else Settings.load()
        settings = replace(
            settings,
            strategy=settings.strategy if strategy is None else check_strategy(strategy),
            k=settings.k if k is None else k,
            domain=settings.domain if domain is None else domain,
            profile=settings.profile if profile is None else str(profile),
        )
        if settings.profile is not None:
            load_profile(settings.profile)  # a wrong name must not cost the loading of a model
        if isinstance(engine, str | Path):
            settings = replace(settings, engine="transformers", model=str(engine))
            engine = open_engine(settings)
        self.settings = settings
        self.engine: Engine = engine if engine is not None else open_engine(settings)
        if retriever is None:
            retriever = StoresAsConfigured(settings, stores=stores, judge=judge, ask=asking(self.engine))
        self.retriever: Retriever = retriever
        self._planner = Planner(
            engine=self.engine,
            retriever=self.retriever,
            profile=settings.profile,
            language=settings.language,
            grammar=settings.grammar,
            max_tokens=settings.max_output_tokens,
        )

    def extract(
        self,
        text: str,
        types: Types = None,
        *,
        examples: Sequence[Example] = (),
        language: str | None = None,
        decisions: Sequence[Decision] = (),
    ) -> Extraction:
        """All mentions of ``types`` in ``text``, wherever they stand.

        ``types`` are names, or ``{name: definition}``; None takes the types of the examples. ``examples`` are shown
        instead of what the retriever would choose; so are those of ``decisions`` taken before, one for all the text or
        one for each of the windows that ``conversations`` names. A text of any length is read whole. Raises InputError
        for bad arguments, and EngineError when the model could not answer.
        """
        job = self._plan(Request(text, types, tuple(examples), language, tuple(decisions)))
        started = time.perf_counter()
        replies = self._ask(job.plans)
        return self._collect(job, replies, time.perf_counter() - started)

    async def aextract(
        self,
        text: str,
        types: Types = None,
        *,
        examples: Sequence[Example] = (),
        language: str | None = None,
        decisions: Sequence[Decision] = (),
    ) -> Extraction:
        """As ``extract``, without blocking the event loop; cancelling it cancels requests to a server."""
        job = await asyncio.to_thread(self._plan, Request(text, types, tuple(examples), language, tuple(decisions)))
        started = time.perf_counter()
        replies = await self._aask(job.plans)
        return await asyncio.to_thread(self._collect, job, replies, time.perf_counter() - started)

    def extract_many(
        self,
        texts: Iterable[str | Request],
        types: Types = None,
        *,
        examples: Sequence[Example] = (),
        language: str | None = None,
        progress: bool = False,
    ) -> Iterator[Extraction | Failure]:
        """A result for each text, in their order and as they are ready; what fails is a Failure in its place.

        Texts are read a few at a time, so an endless iterator is welcome. A Request brings types, examples and
        language of its own. ``progress`` draws a bar on standard error.
        """
        requests = _requests(texts, types, examples, language)
        return track(self._stream(requests), total=_length(texts), shown=progress)

    def aextract_many(
        self,
        texts: Iterable[str | Request],
        types: Types = None,
        *,
        examples: Sequence[Example] = (),
        language: str | None = None,
    ) -> AsyncIterator[Extraction | Failure]:
        """As ``extract_many``, without blocking the event loop; cancelling it cancels requests to a server."""
        return self._astream(_requests(texts, types, examples, language))

    def extract_batch(self, requests: Sequence[Request]) -> list[Extraction | Failure]:
        """A result for each request, all asked of the engine at once; ``extract_many`` finds its own batches."""
        return self._extract_all(0, requests)

    def conversations(
        self, text: str, types: Types = None, *, examples: Sequence[Example] = (), language: str | None = None
    ) -> list[Plan]:
        """What ``extract`` would ask: the decision and the conversation for each window. No model is asked."""
        return self._plan(Request(text, types, tuple(examples), language)).plans

    def decide(self, text: str, types: Types = None) -> Decision:
        """The decision alone: which examples would be shown with ``text``, and why."""
        from ranit_rag.text import detect_language

        return self.retriever.decide([text], entity_types(types or ()), language=detect_language(text))[0]

    def pool(self, text: str) -> list[ShownExample]:
        """The stored examples nearest to ``text``, best first, as the judge is given them; empty without stores."""
        from ranit_rag.text import detect_language

        search = getattr(self.retriever, "pool", None)
        found = [] if search is None else search(text, language=detect_language(text))
        return [ShownExample(item.example, item.similarity) for item in found]

    @property
    def stores(self) -> StoreSet:
        """The example stores. Raises StoreError where they cannot be opened, InputError where there are none."""
        stores: StoreSet | None = getattr(self.retriever, "stores", None)
        if stores is None:
            raise InputError(
                f"the retriever {type(self.retriever).__name__} has no stores", hint="give Ranit stores to choose from"
            )
        return stores

    def add_examples(self, domain: str, examples: Iterable[Example]) -> AddReport:
        """Add examples to the store of a domain, which is made if need be; the next extraction may show them.

        An example takes the place of one with the same text. Raises StoreError, and InputError as ``stores`` does.
        """
        from ranit_rag.retrieval.filling import fill

        return fill(self.stores, domain, examples)

    def render(self, conversation: Conversation, query: Query) -> str | None:
        """The prompt of a query as the model reads it; None where only a server knows."""
        render: Callable[[Conversation, Query], str] | None = getattr(self.engine, "render", None)
        return None if render is None else render(conversation, query)

    def _stream(self, requests: Iterator[Request]) -> Iterator[Extraction | Failure]:
        index = 0
        for chunk in _chunks(requests):
            yield from self._extract_all(index, chunk)
            index += len(chunk)

    def _extract_all(self, index: int, chunk: Sequence[Request]) -> list[Extraction | Failure]:
        jobs = self._planned_all(index, chunk)
        started = time.perf_counter()
        replies: list[Reply] | Exception
        try:
            replies = self._ask(_plans(jobs))
        except Exception as error:
            replies = error
        return self._collected_all(index, jobs, replies, time.perf_counter() - started)

    async def _astream(self, requests: Iterator[Request]) -> AsyncIterator[Extraction | Failure]:
        index = 0
        for chunk in _chunks(requests):
            jobs = await asyncio.to_thread(self._planned_all, index, chunk)
            started = time.perf_counter()
            replies: list[Reply] | Exception
            try:
                replies = await self._aask(_plans(jobs))
            except Exception as error:
                replies = error
            seconds = time.perf_counter() - started
            for result in await asyncio.to_thread(self._collected_all, index, jobs, replies, seconds):
                yield result
            index += len(chunk)

    def _planned_all(self, index: int, chunk: Sequence[Request]) -> list[_Job | Failure]:
        return [self._planned(index + i, request) for i, request in enumerate(chunk)]

    def _planned(self, index: int, request: Request) -> _Job | Failure:
        try:
            return self._plan(request)
        except Exception as error:
            return Failure(index, request.text, error)

    def _collected_all(
        self, index: int, jobs: Sequence[_Job | Failure], replies: Sequence[Reply] | Exception, seconds: float
    ) -> list[Extraction | Failure]:
        """The results of a chunk, or a Failure for each of its texts where the engine answered none."""
        if isinstance(replies, Exception):
            return [
                job if isinstance(job, Failure) else Failure(index + i, job.request.text, replies)
                for i, job in enumerate(jobs)
            ]
        left = iter(replies)
        share = seconds / max(sum(isinstance(job, _Job) for job in jobs), 1)
        return [
            job if isinstance(job, Failure) else self._collected(index + i, job, left, share)
            for i, job in enumerate(jobs)
        ]

    def _collected(self, index: int, job: _Job, replies: Iterator[Reply], seconds: float) -> Extraction | Failure:
        own = list(islice(replies, len(job.plans)))
        try:
            return self._collect(job, own, seconds)
        except Exception as error:
            return Failure(index, job.request.text, error, sum((reply.usage for reply in own), Usage()))

    def _plan(self, request: Request) -> _Job:
        started = time.perf_counter()
        language, plans = self._planner.plan(request)
        return _Job(request, language, plans, time.perf_counter() - started)

    def _ask(self, plans: Sequence[Plan]) -> list[Reply]:
        if not plans:
            return []
        return self.engine.generate([plan.conversation for plan in plans], max_tokens=self._planner.answer_tokens)

    async def _aask(self, plans: Sequence[Plan]) -> list[Reply]:
        if not plans:
            return []
        conversations = [plan.conversation for plan in plans]
        return await self.engine.agenerate(conversations, max_tokens=self._planner.answer_tokens)

    def _collect(self, job: _Job, replies: Sequence[Reply], seconds: float) -> Extraction:
        started = time.perf_counter()
        extraction = collect(job.request.text, job.language, job.plans, replies)
        stages = {"plan": job.seconds, "generate": seconds, "collect": time.perf_counter() - started}
        return replace(extraction, usage=extraction.usage + Usage(seconds=stages))


def _requests(
    texts: Iterable[str | Request], types: Types, examples: Sequence[Example], language: str | None
) -> Iterator[Request]:
    if isinstance(texts, str):
        raise InputError("texts must be a list of texts, not one string", hint="use extract for one text")
    shown = tuple(examples)
    return (text if isinstance(text, Request) else Request(text, types, shown, language) for text in texts)


def _plans(jobs: Iterable[_Job | Failure]) -> list[Plan]:
    return [plan for job in jobs if isinstance(job, _Job) for plan in job.plans]


def _chunks(requests: Iterator[Request]) -> Iterator[list[Request]]:
    """A few requests at a time. What came before an iterator failed is answered before its error is raised."""
    chunk: list[Request] = []
    size = _FIRST_CHUNK
    try:
        for request in requests:
            chunk.append(request)
            if len(chunk) == size:
                yield chunk
                chunk, size = [], min(size * 2, _LARGEST_CHUNK)
    except Exception:
        yield chunk
        raise
    if chunk:
        yield chunk


def _length(texts: Iterable[str | Request]) -> int | None:
    return len(texts) if isinstance(texts, Sequence) else None
