"""The files of a corpus: found by directory, pattern or name, and read one after the other."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.corpus.streams import SUFFIXES, Form, file_form, file_records
from ranit_rag.errors import InputError


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read, and how; ``size`` in bytes."""

    path: Path
    form: Form
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, and those of the directories that are of no form known."""

    files: tuple[InputFile, ...]
    skipped: tuple[Path, ...] = ()


def find_files(inputs: Iterable[str | Path], form: Form | None = None, *, without: Path | None = None) -> Found:
    """The files that ``inputs`` name, each a directory, a glob pattern (``**`` for all below) or a file.

    They are read in the order of the inputs, those of one input in the order of their paths, a file once. Without a
    ``form``, names tell it: a directory's files of other names are skipped, also hidden ones. Raises InputError for an
    input that names nothing, and where ``without``, the folder to write to, lies among them.
    """
    files: dict[Path, InputFile] = {}
    skipped: list[Path] = []
    for given in map(str, inputs):
        for path, named in _paths(given):
            if without is not None and without.resolve() in path.resolve().parents:
                raise InputError(f"{path} is an output of the run itself", hint=f"write to a folder outside {given}")
            if named or form is not None or path.suffix.lower() in SUFFIXES:
                files.setdefault(path.resolve(), InputFile(path, form or file_form(path), path.stat().st_size))
            else:
                skipped.append(path)
    if not files:
        known = ", ".join(SUFFIXES)
        raise InputError("the input holds no files to read", hint=f"names end in {known}, or give --input-format")
    return Found(tuple(files.values()), tuple(skipped))


def _paths(given: str) -> list[tuple[Path, bool]]:
    """The files of one input, and whether it named them as such."""
    path = Path(given)
    if path.is_dir():
        return [(each, False) for each in _below(path)]
    if path.exists():
        return [(path, True)]
    matched = sorted(glob.glob(given, recursive=True))
    if not matched:
        raise InputError(f"{given!r} is no file, no directory, and no pattern that matches one", hint="check the path")
    return [pair for each in matched for pair in ([(Path(each), True)] if os.path.isfile(each) else [])]


def _below(directory: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


class Corpus:
    """The records of files, and how far they are read: ``position`` of ``size`` bytes, as a progress bar wants it."""

    def __init__(self, files: Sequence[InputFile], *, text_column: str = "text") -> None:
        self.files = tuple(files)
        self.size = sum(file.size for file in files)
        self.position = 0
        self._text_column = text_column

    def __iter__(self) -> Iterator[Record | Unreadable]:
        """Every record of every file in order, each file opened when its turn comes. Never raises for a bad record."""
        done = 0

        def reached(position: int) -> None:
            self.position = done + position

        for file in self.files:
            yield from file_records(file.path, file.form, text_column=self._text_column, on_position=reached)
            done += file.size
            self.position = done
