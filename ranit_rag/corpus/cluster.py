"""A corpus on a Ray cluster: workers with an engine each, the same rows as from one process."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ranit_rag.config import Settings
from ranit_rag.corpus.identity import digest_of, record_key, run_identity
from ranit_rag.corpus.lanes import Lanes
from ranit_rag.corpus.outcomes import outcome_of
from ranit_rag.corpus.parts import Head
from ranit_rag.corpus.records import Record, Unreadable, located, record_of
from ranit_rag.corpus.rows import request_of
from ranit_rag.errors import DataError, InputError
from ranit_rag.extras import require
from ranit_rag.results import Extraction, Failure
from ranit_rag.types import Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from ranit_rag.pipeline import Ranit
    from ranit_rag.planning import Request

_BATCH = 32
_RESTARTS = 100  # of one worker; a machine that is always out of memory must not restart it for ever


def _open(settings: Settings) -> Ranit:
    from ranit_rag.pipeline import Ranit

    return Ranit(settings=settings)


class _Worker:
    """What lives on the cluster: a Ranit of its own."""

    def __init__(self, settings: Settings, open_ranit: Callable[[Settings], Ranit]) -> None:
        self._ner = open_ranit(settings)

    def ask(self, requests: Sequence[Request]) -> list[Extraction | Failure]:
        return self._ner.extract_batch(requests)

    def identity(self, types: Mapping[str, str] | None, examples: Sequence[Example]) -> dict[str, Any]:
        return run_identity(self._ner, types, examples)


class Workers:
    """``number`` workers on the cluster that RAY_ADDRESS names, else on one of this machine that is started for them.

    They take the place of a Ranit in ``extract_corpus``, whose own process then needs no engine and no model.
    ``gpus`` are those of each worker; None is one for vLLM, else none. A worker that dies is started anew, and what it
    was asked is asked again. ``open_ranit`` makes the Ranit of a worker from the settings; it must be importable there.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        number: int = 2,
        gpus: float | None = None,
        open_ranit: Callable[[Settings], Ranit] = _open,
    ) -> None:
        self._ray = require("ray", extra="ray")
        if not self._ray.is_initialized():
            self._ray.init(log_to_driver=False, include_dashboard=False)
        worker = self._ray.remote(num_gpus=_gpus(settings, gpus), max_restarts=_RESTARTS, max_task_retries=_RESTARTS)(
            _Worker
        )
        self.actors = [worker.remote(settings, open_ranit) for _ in range(number)]
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for actor in self.actors:
            self._idle.put(actor)
        self.lanes = Lanes(_BATCH, abreast=number)

    def identity(self, types: Mapping[str, str] | None, examples: Sequence[Example]) -> dict[str, Any]:
        """What the answers of all workers depend on. Raises InputError where they differ in it."""
        first, *others = self._ray.get([actor.identity.remote(types, tuple(examples)) for actor in self.actors])
        if any(other != first for other in others):
            raise InputError(
                "the workers of the cluster do not have the same model, settings and stores",
                hint="give every machine the same files, or a store server by URL",
            )
        return dict(first)

    def ask(self, requests: Sequence[Request]) -> list[Extraction | Failure]:
        """What the first idle worker answers; waits for one."""
        actor = self._idle.get()
        try:
            results: list[Extraction | Failure] = self._ray.get(actor.ask.remote(list(requests)))
            return results
        finally:
            self._idle.put(actor)


def ray_extract(
    dataset: Any,
    *,
    settings: Settings | None = None,
    types: Mapping[str, str] | None = None,
    examples: Sequence[Example] = (),
    text_column: str = "text",
    workers: int = 2,
    gpus: float | None = None,
    open_ranit: Callable[[Settings], Ranit] = _open,
) -> Any:
    """A Ray dataset with a column ``row``, the JSON that a corpus run writes of each record of ``dataset``, less its
    ``index``; what failed has an ``error`` in it.

    The columns of ``dataset`` are the fields of a record: ``text_column``, ``id``, ``types``, ``examples``,
    ``language``, and others for ``meta``. The rest as in ``Workers``.
    """
    require("ray.data", extra="ray")
    settings = settings or Settings.load()
    return dataset.map_batches(
        _Mapper,
        batch_size=_BATCH,
        compute=require("ray.data", extra="ray").ActorPoolStrategy(size=workers),
        num_gpus=_gpus(settings, gpus) or None,
        fn_constructor_args=(settings, open_ranit, types, tuple(examples), text_column),
    )


class _Mapper:
    """Makes rows of batches, as an actor of Ray Data."""

    def __init__(
        self,
        settings: Settings,
        open_ranit: Callable[[Settings], Ranit],
        types: Mapping[str, str] | None,
        examples: tuple[Example, ...],
        text_column: str,
    ) -> None:
        self._ner = open_ranit(settings)
        self._digest = digest_of(run_identity(self._ner, types, examples))
        self._types = types
        self._examples = examples
        self._text_column = text_column

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        columns = {name: column.tolist() for name, column in batch.items()}
        records = [
            self._record(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]
        asked = [record for record in records if isinstance(record, Record)]
        requests = [request_of(record, self._types, self._examples) for record in asked]
        answered = iter(self._ner.extract_batch(requests) if requests else ())
        return {"row": [self._row(record, answered) for record in records]}

    def _record(self, values: dict[str, Any]) -> Record | Unreadable:
        text = values.pop(self._text_column, None)
        fields = {name: value for name, value in values.items() if value is not None}
        try:
            return record_of({**fields, "text": text}, "")
        except DataError as error:
            return Unreadable(str(text), "", located(error, "a row"))

    def _row(self, record: Record | Unreadable, answered: Any) -> str:
        result = next(answered) if isinstance(record, Record) else Failure(0, record.text, record.error)
        named = (record.id, record.meta) if isinstance(record, Record) else (None, {})
        head = Head(-1, record_key(self._digest, record), named[0], record.origin, named[1])
        return b"".join(head.row(outcome_of(result))).decode().rstrip()


def _gpus(settings: Settings, given: float | None) -> float:
    return given if given is not None else float(settings.engine == "vllm")
