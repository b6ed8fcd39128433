"""From records to rows: what can be read goes through the pipeline, what cannot keeps its place in the output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ranit_rag.cli.inputs import Record, Unreadable
from ranit_rag.cli.outputs import Row
from ranit_rag.types import Example, Failure

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit, Request


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
    from ranit_rag.pipeline import Request

    waiting: deque[tuple[int, Record | Unreadable]] = deque()

    def requests() -> Iterator[Request]:
        for index, record in enumerate(records):
            waiting.append((index, record))
            if isinstance(record, Record):
                yield Request(
                    record.text,
                    types if record.types is None else record.types,
                    examples if record.examples is None else record.examples,
                    record.language,
                )

    def unreadable() -> Iterator[Row]:
        while waiting and isinstance(record := waiting[0][1], Unreadable):
            index, _ = waiting.popleft()
            yield Row(record, Failure(index, record.text, record.error))

    for result in ner.extract_many(requests(), progress=progress):
        yield from unreadable()
        index, record = waiting.popleft()
        yield Row(record, replace(result, index=index) if isinstance(result, Failure) else result)
    yield from unreadable()
