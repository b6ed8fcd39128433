"""What is evaluated on: annotated texts with the types to ask for, and examples of the same set for a store."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ranit_rag.errors import DataError, InputError
from ranit_rag.stores.formats import read_examples
from ranit_rag.stores.formats.jsonl import parse_object
from ranit_rag.stores.formats.reading import lines
from ranit_rag.text import detect_language
from ranit_rag.types import Example

EVALUATED = ("test", "dev", "validation")
OWN = "train"
WHOLE = ""  # the split of files that have none
TOLD = 5  # broken records named in an error

Splits = dict[str, list[Example]]


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """``examples`` are evaluated, for ``types``; ``own`` may fill a store of the same domain, in the order drawn.

    ``available`` is how many texts the split has, ``digest`` the file's SHA-256.
    """

    name: str
    language: str
    types: tuple[str, ...]
    examples: tuple[Example, ...]
    own: tuple[Example, ...] = ()
    split: str = WHOLE
    available: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which texts and types of a file are evaluated. None of ``split``: the first of ``splits`` that is there, or all.

    ``sample`` texts are drawn, the same for each ``seed`` and name; None takes all. ``types`` are all that the file's
    records have, unless some are named; ``without`` are never asked. ``own`` is the split that fills the set's store.
    """

    split: str | None = None
    sample: int | None = None
    seed: int = 0
    types: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    own: str | None = OWN
    splits: tuple[str, ...] = EVALUATED


def read_set(path: Path, selection: Selection | None = None) -> EvaluationSet:
    """The evaluation set of a file that ``ranit_rag.stores.formats`` reads. Raises DataError and InputError."""
    selection = selection or Selection()
    name = path.name.partition(".")[0]
    splits = read_splits(path)
    split = _evaluated(splits, selection, path)
    examples = splits[split]
    own = splits.get(selection.own, []) if selection.own is not None and selection.own != split else []
    types = _types([*examples, *own], selection, path)
    language = language_of(examples)
    shuffled = [replace(example, language=example.language or language) for example in own if example.entities]
    random.Random(f"{selection.seed}\n{name}\nown").shuffle(shuffled)
    return EvaluationSet(
        name,
        language,
        types,
        _sampled(examples, selection, name),
        tuple(shuffled),
        split,
        len(examples),
        hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
    )


def language_of(examples: Iterable[Example]) -> str:
    """The language of most of the examples: as they say, else as their texts read."""
    languages = Counter(example.language or detect_language(example.text) for example in examples)
    return languages.most_common(1)[0][0]


def read_splits(path: Path) -> Splits:
    """All records of a file by their field ``split`` (JSON lines), or under one name where they have none.

    Raises DataError that names the first broken records, and where there is no record.
    """
    splits: Splits = {}
    broken: list[str] = []
    for number, split, record in _records(path):
        if isinstance(record, Example):
            splits.setdefault(split, []).append(record)
        else:
            broken.append(f"line {number}: {record.message}")
    if broken:
        raise DataError(f"{path} has {len(broken)} broken records: {'; '.join(islice(broken, TOLD))}", hint="mend them")
    if not splits:
        raise DataError(f"{path} holds no annotated texts", hint="each line needs text and entities")
    return splits


def _records(path: Path) -> Iterator[tuple[int, str, Example | DataError]]:
    stem = path.with_suffix("") if path.suffix in (".xz", ".gz") else path
    if stem.suffix != ".jsonl":
        yield from ((number, WHOLE, record) for number, record in read_examples(path))
        return
    for number, line in lines(path):
        try:
            if isinstance(line, DataError):
                raise line
            if line.strip():
                record = parse_object(line)
                example = Example.from_dict({**record, "language": record.get("language") or record.get("lang")})
                yield number, str(record.get("split") or WHOLE), example
        except DataError as error:
            yield number, WHOLE, error


def _evaluated(splits: Splits, selection: Selection, path: Path) -> str:
    wanted = selection.split
    if wanted is not None and wanted not in splits:
        raise InputError(f"{path} has no split {wanted!r}", hint=f"its splits are {', '.join(filter(None, splits))}")
    if wanted is not None:
        return wanted
    return next((split for split in selection.splits if split in splits), next(iter(splits)))


def _types(examples: Sequence[Example], selection: Selection, path: Path) -> tuple[str, ...]:
    known = {label for example in examples for label in example.labels}
    for name in (*selection.types, *selection.without):
        if name not in known:
            raise InputError(f"{path} has no type {name!r}", hint=f"its types are {', '.join(sorted(known))}")
    types = tuple(name for name in selection.types or sorted(known) if name not in selection.without)
    if not types:
        raise DataError(f"{path} holds no entities", hint="name the types to ask for")
    return types


def _sampled(examples: Sequence[Example], selection: Selection, name: str) -> tuple[Example, ...]:
    if selection.sample is None or selection.sample >= len(examples):
        return tuple(examples)
    rows = list(range(len(examples)))
    random.Random(f"{selection.seed}\n{name}").shuffle(rows)  # so that a larger sample holds the smaller ones
    rows = rows[: selection.sample]
    return tuple(examples[row] for row in sorted(rows))
