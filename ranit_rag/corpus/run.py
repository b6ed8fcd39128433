"""A run over a corpus: every record ends as a row or as a failure, in order, whatever ends the run before its time.

records ─ parts ─ batches ─ lanes ─ engine ─ journal ─ part files ─ summary
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ranit_rag.corpus.earlier import Earlier
from ranit_rag.corpus.identity import digest_of, record_key, run_identity
from ranit_rag.corpus.lanes import Lanes, answered
from ranit_rag.corpus.outcomes import Outcome, outcome_of
from ranit_rag.corpus.output import Output
from ranit_rag.corpus.parts import Head, Part, files_from
from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.corpus.rows import request_of
from ranit_rag.corpus.summary import Prices, Summary, Tally
from ranit_rag.errors import ContextLengthError, DataError, EngineError, InputError
from ranit_rag.results import Extraction, Failure
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit
    from ranit_rag.planning import Request

Ask = Callable[[Sequence["Request"]], Sequence[Extraction | Failure]]


@runtime_checkable
class Extractor(Protocol):
    """What a run asks: a Ranit of this process, or workers that have one each."""

    @property
    def lanes(self) -> Lanes:
        """How batches reach it best; ``ask`` is called in threads where more than one is abreast."""
        ...

    def identity(self, types: Mapping[str, str] | None, examples: Sequence[Example]) -> dict[str, Any]:
        """Everything that its answers depend on and that no record says itself, as ``run_identity`` has it."""
        ...

    def ask(self, requests: Sequence[Request]) -> Sequence[Extraction | Failure]:
        """A result for each request, in their order."""
        ...


class _InProcess:
    """A Ranit as an Extractor."""

    def __init__(self, ner: Ranit) -> None:
        self._ner = ner
        self.lanes = Lanes.suiting(ner)
        self.ask = ner.extract_batch

    def identity(self, types: Mapping[str, str] | None, examples: Sequence[Example]) -> dict[str, Any]:
        return run_identity(self._ner, types, examples)


_BATCH_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How a run goes about its records.

    ``part_size`` records make a part. ``resume`` goes on with what an earlier run wrote into the same folder, else that
    is deleted. ``retry_failed`` asks those again that failed. After ``stop_after`` failures in a row that are of the
    engine's or the stores' making the run stops, for the next text would fare no better; 0 is never.
    """

    part_size: int = 1000
    resume: bool = True
    retry_failed: bool = False
    stop_after: int = 100

    def __post_init__(self) -> None:
        if self.part_size < 1 or self.stop_after < 0:
            raise InputError(
                f"part_size is {self.part_size} and stop_after {self.stop_after}",
                hint="part_size must be at least 1, stop_after at least 0",
            )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: ``records`` have an outcome, ``asked`` of them from this run; ``spent`` is of this run too."""

    records: int
    asked: int
    failed: int
    spent: Mapping[str, int]


@dataclass(slots=True)
class _Batch:
    """Records of one part that are asked together."""

    part: Part
    heads: list[Head] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    characters: int = 0


def extract_corpus(
    ner: Ranit | Extractor,
    records: Iterable[Record | Unreadable],
    output: Path,
    *,
    types: Mapping[str, str] | None = None,
    examples: Sequence[Example] = (),
    policy: Policy | None = None,
    lanes: Lanes | None = None,
    skipped: Sequence[Path] = (),
    prices: Prices | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Extract from ``records`` into the folder ``output``: part files, failures beside them, ``summary.json``.

    ``types`` and ``examples`` are for records that bring none. A run that was killed, or whose input has changed, is
    begun again with the same arguments and asks only what has no outcome yet. ``lanes`` are those that suit ``ner`` by
    default. ``skipped`` is for the summary.

    Raises InputError where the folder belongs to another run, EngineError and StoreError where the engine or the stores
    are out of reach from the start, EngineError after ``policy.stop_after`` failures, and DataError where nothing more
    can be written; what has an outcome by then is kept.
    """
    policy = policy or Policy()
    started = time.perf_counter()
    extractor: Extractor = ner if isinstance(ner, Extractor) else _InProcess(ner)
    identity = extractor.identity(types, examples)
    place = Output(output, {"identity": identity, "part_size": policy.part_size}, resume=policy.resume)
    try:
        run = _Run(place.folder, digest_of(identity), policy, types, tuple(examples), on_progress)
        run.go(records, extractor.ask, lanes or extractor.lanes)
        seconds = time.perf_counter() - started
        summary = Summary(run.tally, run.asked, seconds, tuple(map(str, skipped)), prices)
        place.write_summary(summary.to_dict())
    finally:
        place.close()
    return summary


class _Run:
    def __init__(
        self,
        folder: Path,
        digest: str,
        policy: Policy,
        types: Mapping[str, str] | None,
        examples: tuple[Example, ...],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.tally = Tally()
        self.asked = 0
        self._folder = folder
        self._digest = digest
        self._policy = policy
        self._types = types
        self._examples = examples
        self._on_progress = on_progress
        self._earlier = Earlier(folder)
        self._set_aside = False
        self._open: dict[int, Part] = {}
        self._records = 0
        self._failed = 0
        self._failed_in_a_row = 0
        self._spent = Tally()

    def go(self, records: Iterable[Record | Unreadable], ask: Ask, lanes: Lanes) -> None:
        """Bring every record to its outcome, and every part to its file."""
        try:
            batches = self._batches(records, lanes.texts)
            for batch, results in answered(lambda each: _answers(ask, each.requests), batches, lanes.abreast):
                self._keep(batch, results)
                del batch, results  # a long text's entities make way for the rows of its part
            for path in files_from(self._folder, self._parts):  # of an input that was longer once
                path.unlink()
            self._earlier.clear()
        finally:
            for part in self._open.values():
                part.close()
            self._earlier.close()

    def _batches(self, records: Iterable[Record | Unreadable], texts: int) -> Iterator[_Batch]:
        """What is to be asked, part by part."""
        numbered = enumerate(records)
        self._parts = 0
        while (first := next(numbered, None)) is not None:
            part = self._next_part()
            yield from self._batches_of(part, chain([first], islice(numbered, self._policy.part_size - 1)), texts)
            self._seal(part)

    def _batches_of(
        self, part: Part, numbered: Iterable[tuple[int, Record | Unreadable]], texts: int
    ) -> Iterator[_Batch]:
        """Batches that begin and end at the same records whatever is known already: so a model that answers a text a
        shade differently in other company gives the same rows, however often the run is begun."""
        batch, counted, characters = _Batch(part), 0, 0
        for index, record in numbered:
            request = self._wanted(part, index, record)
            if request is not None:
                batch.heads.append(part.heads[-1])
                batch.requests.append(request)
                batch.characters += len(record.text)
            counted, characters = counted + 1, characters + len(record.text)
            if counted == texts or characters >= _BATCH_CHARACTERS:
                if batch.requests:
                    yield batch
                batch, counted, characters = _Batch(part), 0, 0
        if batch.requests:
            yield batch

    def _next_part(self) -> Part:
        number = self._parts
        self._parts += 1
        part = self._open[number] = Part(self._folder, number, {"journal": "part", "run": self._digest})
        return part

    def _wanted(self, part: Part, index: int, record: Record | Unreadable) -> Request | None:
        """The request for a record, or None where its outcome is there."""
        key = record_key(self._digest, record)
        head = _head(index, key, record)
        part.take(head)
        if not (self._set_aside or part.fits(head)):
            self._earlier.set_aside(part.number)
            self._set_aside = True
        self._records += 1
        failures = not self._policy.retry_failed
        if part.knows(key, failures=failures):
            return None
        known = self._earlier.outcome(key)
        if known is not None and (failures or not known.failed):
            part.add({key: known})
            return None
        if isinstance(record, Unreadable):
            part.add({key: outcome_of(Failure(index, record.text, record.error))})
            return None
        part.ask(key)
        return request_of(record, self._types, self._examples)

    def _keep(self, batch: _Batch, results: Sequence[Extraction | Failure]) -> None:
        outcomes: dict[str, Outcome] = {}
        for head, result in zip(batch.heads, results, strict=True):
            outcomes[head.key] = outcome = outcome_of(result)
            self._spent.spend(outcome.usage)
        batch.part.add(outcomes)
        self.asked += len(results)
        self._watch(results)
        self._tell()
        if batch.part.done:
            self._finish(batch.part)

    def _watch(self, results: Sequence[Extraction | Failure]) -> None:
        """Raise EngineError where too many failed in a row."""
        for result in results:
            if isinstance(result, Extraction):
                self._failed_in_a_row = 0
            elif not isinstance(result.error, InputError | DataError | ContextLengthError):
                self._failed_in_a_row += 1
            if isinstance(result, Failure) and self._failed_in_a_row == self._policy.stop_after > 0:
                raise EngineError(
                    f"{self._failed_in_a_row} texts in a row failed, the last with: {result.error}",
                    hint="when the cause is gone, the same command with --retry-failed goes on",
                ) from result.error

    def _seal(self, part: Part) -> None:
        part.sealed = True
        if part.done:
            self._finish(part)

    def _finish(self, part: Part) -> None:
        part.finish()
        del self._open[part.number]
        self.tally.add(part.tally)
        self._tell()

    def _tell(self) -> None:
        under_way = sum(part.under_way for part in self._open.values())
        failed = self.tally.failures.total() + sum(part.failed for part in self._open.values())
        self._on_progress(Progress(self._records - under_way, self.asked, failed, self._spent.tokens))


def _answers(ask: Ask, requests: Sequence[Request]) -> Sequence[Extraction | Failure]:
    """The results of a batch. Where one error took all of it, each is asked alone, for it may be that of one text."""
    results = ask(requests)
    first = results[0]
    whole = isinstance(first, Failure) and all(
        isinstance(result, Failure) and result.error is first.error for result in results
    )
    return [ask([request])[0] for request in requests] if whole and len(results) > 1 else results


def _head(index: int, key: str, record: Record | Unreadable) -> Head:
    if isinstance(record, Unreadable):
        return Head(index, key, None, record.origin, {})
    return Head(index, key, record.id, record.origin, record.meta)
