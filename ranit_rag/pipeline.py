"""Ranit: the one way through the house."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.asking import asking
from ranit_rag.engines.base import Engine, Reply
from ranit_rag.errors import InputError
from ranit_rag.overlaps import Decoding, Overlaps
from ranit_rag.planning import Plan, Planner, Request
from ranit_rag.progress import track
from ranit_rag.prompts import Conversation, Query, load_profile
from ranit_rag.results import Extraction, Failure
from ranit_rag.retrieval.base import Retriever
from ranit_rag.retrieval.judge import Judge
from ranit_rag.retrieval.opening import StoresAsConfigured
from ranit_rag.retrieval.strategies import check_strategy
from ranit_rag.rounds import Rounds
from ranit_rag.stores.base import AddReport, StoreSet
from ranit_rag.types import Decision, EntityType, Example, ShownExample, entity_types

if TYPE_CHECKING:
    from typing import TypeAlias

    Types: TypeAlias = Sequence[str | EntityType] | Mapping[str, str] | None

__all__ = ["Plan", "Ranit", "Request"]

# Texts that share a batch of extract_many: one at first, so that a result comes soon, then more, to fill the engine.
_FIRST_CHUNK, _LARGEST_CHUNK = 1, 32


class Ranit:
    """Finds entities of any named types in English and Chinese text.

    ``engine`` is an Engine, or a model's directory or name for the transformers engine; None is what ``settings``
    say, and without any the embedded model. ``profile`` is the name or file of the prompts, None those that the model
    was trained with.

    Which examples are shown is decided text by text. ``stores`` is where they are: a StoreSet, a directory, or the URL
    of a Chroma server; where neither it nor the settings say, the bundled seed stores. ``judge`` is a judge's name or
    callable, ``strategy`` how ``k`` examples are chosen, ``domain`` the only store to consider; None stands for what
    the settings say. A ``retriever`` of your own takes the place of all of these.

    ``overlaps`` is ``keep``, or ``flat`` for entities of which none overlaps another: the best by score stays.
    Entities below ``min_score`` are dropped. With ``precedents``, how the examples of a text's own store annotate the
    same words adds entities and takes others away, also such as overlap where these examples never do. None stands for
    what the settings say, else for what the checkpoint recommends, else all is kept. What was dropped, and why, stands
    in ``Extraction.dropped``.

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
        overlaps: Overlaps | None = None,
        min_score: float | None = None,
        precedents: bool | None = None,
        settings: Settings | None = None,
    ) -> None:
        settings = settings if settings is not None else Settings.load()
        settings = replace(
            settings,
            strategy=settings.strategy if strategy is None else check_strategy(strategy),
            k=settings.k if k is None else k,
            domain=settings.domain if domain is None else domain,
            profile=settings.profile if profile is None else str(profile),
            overlaps=settings.overlaps if overlaps is None else overlaps,
            min_score=settings.min_score if min_score is None else min_score,
            precedents=settings.precedents if precedents is None else precedents,
        )
        decoding = Decoding(settings.overlaps, settings.min_score, settings.precedents)
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
            decoding=decoding,
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
        return _succeeded(self._extract_all(0, [Request(text, types, tuple(examples), language, tuple(decisions))]))

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
        request = Request(text, types, tuple(examples), language, tuple(decisions))
        return _succeeded(await self._aextract_all(0, [request]))

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
        return self._planner.plan(Request(text, types, tuple(examples), language))[1]

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

    async def _astream(self, requests: Iterator[Request]) -> AsyncIterator[Extraction | Failure]:
        index = 0
        for chunk in _chunks(requests):
            for result in await self._aextract_all(index, chunk):
                yield result
            index += len(chunk)

    def _extract_all(self, index: int, requests: Sequence[Request]) -> list[Extraction | Failure]:
        rounds = Rounds(self._planner, index, requests)
        while conversations := rounds.plan():
            started = time.perf_counter()
            replies: list[Reply] | Exception
            try:
                replies = self.engine.generate(conversations, max_tokens=self._planner.answer_tokens)
            except Exception as error:
                replies = error
            rounds.keep(replies, time.perf_counter() - started)
        return rounds.results()

    async def _aextract_all(self, index: int, requests: Sequence[Request]) -> list[Extraction | Failure]:
        """As ``_extract_all``; planning and collecting, which compute, leave the event loop free."""
        rounds = await asyncio.to_thread(Rounds, self._planner, index, requests)
        while conversations := await asyncio.to_thread(rounds.plan):
            started = time.perf_counter()
            replies: list[Reply] | Exception
            try:
                replies = await self.engine.agenerate(conversations, max_tokens=self._planner.answer_tokens)
            except Exception as error:
                replies = error
            await asyncio.to_thread(rounds.keep, replies, time.perf_counter() - started)
        return rounds.results()


def _succeeded(results: Sequence[Extraction | Failure]) -> Extraction:
    """The result of the only text; what kept it from succeeding is raised."""
    (result,) = results
    if isinstance(result, Failure):
        raise result.error
    return result


def _requests(
    texts: Iterable[str | Request], types: Types, examples: Sequence[Example], language: str | None
) -> Iterator[Request]:
    if isinstance(texts, str):
        raise InputError("texts must be a list of texts, not one string", hint="use extract for one text")
    shown = tuple(examples)
    return (text if isinstance(text, Request) else Request(text, types, shown, language) for text in texts)


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
