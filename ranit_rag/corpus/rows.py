"""Rows: a record and what became of it. What can be read goes through the pipeline, what cannot keeps its place."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.results import Extraction, Failure
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit, Request

_TROUBLESOME = re.compile("[\x85\u2028\u2029\ud800-\udfff]")
_HEADING = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A record and what became of it."""

    record: Record | Unreadable
    result: Extraction | Failure

    def to_dict(self) -> dict[str, Any]:
        """The result's JSON form, with the record's ``id`` before it and its other fields under ``meta``."""
        fields = self.result.to_dict()
        if isinstance(self.record, Unreadable):
            return fields
        head = {} if self.record.id is None else {"id": self.record.id}
        return {**head, **fields, **({"meta": dict(self.record.meta)} if self.record.meta else {})}

    @property
    def heading(self) -> str:
        """What a reader knows the text by: its id, or how it begins."""
        given = self.record.id if isinstance(self.record, Record) else self.record.origin
        if given is not None:
            return str(given)
        start = " ".join(self.record.text[: 2 * _HEADING].split())
        return start if len(start) <= _HEADING else f"{start[: _HEADING - 1]}…"


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """UTF-8 JSON that any reader takes: escapes stand for lone surrogates, and for what some take as the line's end."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return _TROUBLESOME.sub(lambda match: f"\\u{ord(match.group()):04x}", written).encode()


def extract_rows(
    ner: Ranit,
    records: Iterable[Record | Unreadable],
    types: Mapping[str, str] | None,
    examples: tuple[Example, ...],
    *,
    progress: bool,
) -> Iterator[Row]:
    """A row for each record, in order and as soon as it is ready.

    A record's own types and examples stand in place of those of the command line. ``index`` of a Failure counts all
    records, also those that could not be read.
    """
    waiting: deque[tuple[int, Record | Unreadable]] = deque()

    def requests() -> Iterator[Request]:
        for index, record in enumerate(records):
            waiting.append((index, record))
            if isinstance(record, Record):
                yield request_of(record, types, examples)

    def unreadable() -> Iterator[Row]:
        while waiting and isinstance(record := waiting[0][1], Unreadable):
            index, _ = waiting.popleft()
            yield Row(record, Failure(index, record.text, record.error))

    for result in ner.extract_many(requests(), progress=progress):
        yield from unreadable()
        index, record = waiting.popleft()
        yield Row(record, replace(result, index=index) if isinstance(result, Failure) else result)
    yield from unreadable()


def request_of(record: Record, types: Mapping[str, str] | None, examples: tuple[Example, ...]) -> Request:
    """What is asked about a record: its own types and examples, or else those of all."""
    from ranit_rag.planning import Request

    return Request(
        record.text,
        types if record.types is None else record.types,
        examples if record.examples is None else record.examples,
        record.language,
    )
