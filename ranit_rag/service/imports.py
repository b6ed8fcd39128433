"""Imports that outlive the process: a file is staged, and noted, before its first example is written to a store."""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from ranit_rag.errors import RanitError
from ranit_rag.retrieval.filling import Destination
from ranit_rag.stores.base import StoreSet
from ranit_rag.stores.imports import ImportReport, LineProblem, import_examples

# Of names whose format is told by them; a compressed file might be of any length.
_SUFFIXES = (".json", ".jsonl", ".conll", ".bio", ".iob", ".tsv", ".txt", ".parquet", ".spacy")
_logger = logging.getLogger("ranit_rag.service.imports")


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be imported into which store, and how. ``format`` is one of FORMATS, or auto."""

    store: str
    format: str
    language: str = ""
    skip_broken: bool = False


class Staged:
    """The files of one import: what was sent, and the note that it is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.note = folder / "note.json"

    def file(self, sent_as: str) -> Path:
        """Where to put what was sent: its format is told by the end of its name, as far as that is of a known one."""
        suffix = Path(sent_as).suffix.lower()
        return self.folder / f"sent{suffix if suffix in _SUFFIXES else '.jsonl'}"

    @property
    def sent(self) -> Path:
        return next(self.folder.glob("sent.*"))

    @property
    def lock(self) -> filelock.FileLock:
        return filelock.FileLock(self.folder / "lock", timeout=0, thread_local=False)

    def begin(self, order: Order, count: int) -> None:
        """Note that the writing begins, so that it survives whatever happens to the process or the machine."""
        draft = self.note.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({**asdict(order), "examples": count}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.note)

    def remove(self) -> None:
        """The note first: without it nothing is done again."""
        self.note.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Imports:
    """Imports staged in a folder, each in one of its own.

    Nothing is written to a store without a note, and the note goes when all is written. So an import without one was
    never begun, and one with a note is done again, which completes it: what is in the store already stays as it is.
    A lock tells what another process is still at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def staged(self) -> Iterator[Staged]:
        """A place for an import, which is gone at the end unless the process dies."""
        staged = Staged(self._folder / uuid.uuid4().hex)
        staged.folder.mkdir(parents=True)
        with staged.lock:
            try:
                yield staged
            finally:
                staged.remove()

    def run(
        self, staged: Staged, stores: StoreSet, order: Order, *, on_problem: Callable[[LineProblem], None]
    ) -> ImportReport:
        """Check what was sent, note that it is being written, and write it. Raises DataError and StoreError."""
        return _import(staged, stores, order, on_problem, lambda count: staged.begin(order, count))

    def recover(self, stores: StoreSet) -> None:
        """Say in the log what an earlier process left unfinished, and finish it.

        What cannot be finished, because the store cannot be written, stays for the next start.
        """
        for folder in sorted(self._folder.glob("*")):
            staged = Staged(folder)
            with suppress(filelock.Timeout), staged.lock:
                _recover(staged, stores)


def _recover(staged: Staged, stores: StoreSet) -> None:
    if not staged.note.exists():
        _logger.warning("an import was cut off before anything was written: it is dropped")
        staged.remove()
        return
    fields = json.loads(staged.note.read_bytes())
    told = {"store": fields["store"], "examples": fields.pop("examples")}
    _logger.warning("an import was not finished: it is being finished", extra=told)
    try:
        _import(staged, stores, Order(**fields))
    except RanitError as error:
        _logger.error("an import cannot be finished: it stays for the next start (%s)", error, extra=told)
        return
    staged.remove()
    _logger.warning("the import is finished", extra=told)


def _import(
    staged: Staged,
    stores: StoreSet,
    order: Order,
    on_problem: Callable[[LineProblem], None] | None = None,
    on_checked: Callable[[int], None] | None = None,
) -> ImportReport:
    return import_examples(
        Destination(stores, order.store),
        staged.sent,
        order.format,  # type: ignore[arg-type]  # an unknown one is an InputError that names the known
        language=order.language,
        skip_broken=order.skip_broken,
        on_problem=on_problem,
        on_checked=on_checked,
    )
