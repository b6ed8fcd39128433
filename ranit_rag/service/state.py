"""What an app's routes share: the engine behind its batches, the pipelines over it, the queue, the counts."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.base import Engine
from ranit_rag.errors import MissingExtraError
from ranit_rag.pipeline import Ranit
from ranit_rag.service.access import Key, Keys
from ranit_rag.service.admission import Admission, stopping
from ranit_rag.service.batching import BatchingEngine
from ranit_rag.service.errors import RefusedError
from ranit_rag.service.imports import Imports
from ranit_rag.service.limits import Limits
from ranit_rag.service.metrics import Metrics
from ranit_rag.service.owned import OwnedStores
from ranit_rag.stores.base import StoreSet
from ranit_rag.stores.checks import missing_store
from ranit_rag.stores.seeds import seed_names

T = TypeVar("T")

_PIPELINES = 64  # kept at most: each remembers what the judge learned of its stores
_logger = logging.getLogger(__name__)


class Service:
    """Opened by ``lifespan``; until then, and when it stops, requests are refused with 503."""

    def __init__(
        self, settings: Settings, *, engine: Engine | None, stores: StoreSet | None, limits: Limits, keys: Keys
    ) -> None:
        self.settings = settings
        self.limits = limits
        self.keys = keys
        self.metrics = Metrics()
        self.admission = Admission(limits.queue)
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.imports = Imports(settings.home / "imports")
        self._given = engine
        self._stores = stores
        self._seeds_are_ours = stores is None and settings.stores is None
        self._engine: Engine | None = None
        self._all: Ranit | None = None
        self._lock = threading.Lock()
        self._pipelines: OrderedDict[tuple[frozenset[str] | None, str | None, str | None], Ranit] = OrderedDict()
        self.metrics.gauge("ranit_queue_texts", "Texts in hand.", lambda: self.admission.texts)
        self.metrics.gauge("ranit_queue_windows", "Windows that wait for the engine.", lambda: self.windows_waiting)

    @property
    def in_hand(self) -> int:
        """Requests that are being answered."""
        return self.metrics.in_hand

    @property
    def ready(self) -> bool:
        return self._all is not None and not self.admission.closed

    @property
    def windows_waiting(self) -> int:
        return self._engine.waiting if isinstance(self._engine, BatchingEngine) else 0

    def engine_fields(self) -> dict[str, Any]:
        """What is known of the engine: nothing until it is loaded."""
        if self._engine is None:
            return {"name": None, "model": None, "context": None, "window": None, "profiles": {}}
        info = self._engine.info
        model = Path(info.model).name if info.model else info.model  # of a directory, the server's paths are its own
        return {
            "name": info.name,
            "model": model,
            "context": info.context,
            "window": info.window,
            "profiles": dict(info.profiles),
        }

    @property
    def ner(self) -> Ranit:
        """The pipeline over all stores. Raises RefusedError (503) while it is not open."""
        if self.admission.closed:
            raise stopping()
        if self._all is None:
            raise RefusedError(
                503, "Opening", "the model is being loaded", hint="ask again soon", headers={"Retry-After": "2"}
            )
        return self._all

    def stores(self, key: Key) -> StoreSet:
        """The stores that a key sees."""
        stores = self.ner.stores
        return stores if key.stores is None else OwnedStores(stores, key.stores)

    def readonly(self, name: str) -> bool:
        """Whether nobody may write to a store: the bundled ones stay as they are."""
        return self._seeds_are_ours and name in seed_names()

    def pipeline(self, key: Key, domain: str | None = None, judge: str | None = None) -> Ranit:
        """The pipeline over the stores of a key, or over one of them alone. Looks at the stores: not for the loop.

        Raises RefusedError (404) where the key sees no such store.
        """
        if domain is not None:
            domain = known_store(self.stores(key), domain)
        elif key.stores is None and judge is None:
            return self.ner
        wanted = (key.stores, domain, judge)
        with self._lock:
            if wanted not in self._pipelines:
                self._pipelines[wanted] = Ranit(
                    self.ner.engine, settings=self.settings, stores=self.stores(key), domain=domain, judge=judge
                )
                if len(self._pipelines) > _PIPELINES:
                    self._pipelines.popitem(last=False)
            self._pipelines.move_to_end(wanted)
            return self._pipelines[wanted]

    @asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """Opens the model and the stores beside the server, which says meanwhile that it is not ready."""
        opening = asyncio.create_task(self._open())
        try:
            yield
        finally:
            self.admission.closed = True
            opening.cancel()
            await asyncio.wait([opening])

    async def _open(self) -> None:
        try:
            engine = self._given if self._given is not None else await asyncio.to_thread(open_engine, self.settings)
            if engine.info.name == "openai":  # a server batches by itself, and its client bounds what is asked at once
                self._engine = engine
                await self._open_stores(engine)
                return
            batching = BatchingEngine(
                engine, most=self.limits.batch, wait=self.limits.batch_wait, observer=self.metrics
            )
            self._engine = batching
            answering = asyncio.create_task(batching.run())
            try:
                await self._open_stores(batching)
                await answering
            finally:
                answering.cancel()
        except Exception as error:
            self.failure = error
            self.on_failure()

    async def _open_stores(self, engine: Engine) -> None:
        ner = Ranit(engine, settings=self.settings, stores=self._stores)
        await asyncio.to_thread(_warm_up, ner)
        await asyncio.to_thread(self.imports.recover, ner.stores)
        self._all = ner
        _logger.info("ready")


def known_store(stores: StoreSet, name: str) -> str:
    """The name of a store that is there. Raises RefusedError (404)."""
    names = stores.names()
    if (name := name.strip()) not in names:
        missing = missing_store(name, names)
        raise RefusedError(404, "NoSuchStore", missing.message, hint=missing.hint)
    return name


def _warm_up(ner: Ranit) -> None:
    """Open the stores and let the judge learn from them, which the first requests would wait for."""
    with suppress(MissingExtraError):  # without an embedding model the decisions say so
        ner.stores.names()
    for text, types in (("Ada Lovelace met Charles Babbage in London.", ["person"]), ("马云在杭州。", ["人名"])):
        ner.decide(text, types)


async def within(seconds: float, work: Awaitable[T]) -> T:
    """What ``work`` gives. Raises RefusedError (504) where it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise deadline_exceeded(seconds) from error


def deadline_exceeded(seconds: float) -> RefusedError:
    """What a request is told that took too long."""
    return RefusedError(
        504,
        "DeadlineExceeded",
        f"the request took more than {seconds:g} seconds",
        hint="send less text at once, or ask for progress with Accept: text/event-stream",
    )
