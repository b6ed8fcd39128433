"""Importing a file into a store: everything is read and checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ranit_rag.errors import DataError
from ranit_rag.stores.base import AddReport, Progress
from ranit_rag.stores.formats import ColumnLayout, Format, Located, read_examples
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import Example


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line (a record, where the format has no lines): broken, or the text of an earlier line."""

    line: int
    kind: Literal["broken", "duplicate"]
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """``added`` is None where nothing was written because records are ``broken``."""

    read: int
    broken: int
    duplicates: int
    added: AddReport | None


class ImportTarget(Protocol):
    """What examples are imported into: an ``ExampleStore``, or something that makes one when it is given them."""

    @property
    def name(self) -> str: ...

    def add(self, examples: Iterable[Example], *, on_progress: Progress | None = None) -> AddReport: ...


def import_examples(
    store: ImportTarget,
    source: str | Path | Any,
    format: Format | Literal["auto"] = "auto",
    *,
    language: str = "",
    layout: ColumnLayout | None = None,
    skip_broken: bool = False,
    on_problem: Callable[[LineProblem], None] | None = None,
    on_checked: Callable[[int], None] | None = None,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Import a file, or a data set in memory, reading it twice: to check it, and to write it batch by batch.

    Every problem goes to ``on_problem`` in the order of the lines. If a record is broken, nothing is written unless
    ``skip_broken``; ``on_checked`` is told how many examples will be, before the first is. Raises DataError where the
    file as a whole cannot be read, StoreError where the store cannot be written; running it again then completes the
    import.
    """

    def records() -> Iterator[Located]:
        return read_examples(source, format, domain=store.name, language=language, layout=layout)

    read, broken, duplicates = _check(records(), on_problem)
    if broken and not skip_broken:
        return ImportReport(read, broken, duplicates, None)
    if on_checked is not None:
        on_checked(read)
    sound = (item for _, item in records() if isinstance(item, Example))
    return ImportReport(read, broken, duplicates, store.add(sound, on_progress=on_progress))


def _check(records: Iterator[Located], on_problem: Callable[[LineProblem], None] | None) -> tuple[int, int, int]:
    """The numbers of sound, broken and repeated records."""
    first_lines: dict[bytes, int] = {}  # 100,000 texts take 10 MB
    read = broken = duplicates = 0
    for line, item in records:
        problem: LineProblem | None = None
        if isinstance(item, DataError):
            broken += 1
            problem = LineProblem(line, "broken", item.message, item.hint)
        else:
            read += 1
            key = bytes.fromhex(text_fingerprint(item.text))
            first = first_lines.setdefault(key, line)
            if first != line:
                duplicates += 1
                problem = LineProblem(line, "duplicate", f"the text of line {first} again")
        if problem is not None and on_problem is not None:
            on_problem(problem)
    return read, broken, duplicates
