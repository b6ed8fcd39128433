"""The annotated records that training episodes are drawn from, each with the records that are most like it.

``python -m ranit_training.nano.mixture CONFIG -o DIR`` reads the sets, and the blocks of texts that were written for
this project. It writes ``records.jsonl.xz`` (a set's records stand together, in their own order), ``neighbours.npz``
and ``mixture.json`` with the sets' types, counts and hashes.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import DataError
from ranit_rag.evaluation.data_sets import Splits, read_splits
from ranit_rag.extras import require
from ranit_rag.progress import track
from ranit_rag.text.duplicates import text_fingerprint
from ranit_rag.types import Entity, Example
from ranit_training.augment.neighbours import nearest_neighbours
from ranit_training.layouts import completed
from ranit_training.manifest import sha256_of
from ranit_training.nano.config import MixtureConfig, read_section
from ranit_training.nano.vectors import Vectors, lexical_vectors
from ranit_training.nano.written import divided, read_written

Rows = NDArray[np.int32]

FEWEST = 3  # mentions of a type, else it is forgotten
OTHERS_SOUGHT = 20_000  # records of other sets among which the nearest are sought
NOBODY = -1  # where a record has fewer neighbours
_SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Inventory:
    """A set in the mixture: its types by frequency, and its records ``[start, end)``.

    A ``written`` one is a block of texts, whose types other blocks call by other names.
    """

    name: str
    language: str
    start: int
    end: int
    labels: tuple[str, ...]
    sha256: str
    written: bool = False

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def path(self) -> str:
        """The file that it was read from, in the folder of the sets or of the written texts."""
        return f"{self.name.rpartition('_')[0]}.txt" if self.written else f"{self.name}.jsonl.xz"


@dataclass(frozen=True)
class Mixture:
    """``near`` and ``far`` ``[records, k]`` are rows of like records, nearest first, NOBODY where there is none."""

    sets: tuple[Inventory, ...]
    records: Sequence[Example]
    near: Rows
    far: Rows

    @cached_property
    def owners(self) -> NDArray[np.int16]:
        """The number of each record's set."""
        return np.repeat(np.arange(len(self.sets), dtype=np.int16), [len(item) for item in self.sets])


def make_mixture(config: MixtureConfig, *, progress: bool = False) -> Mixture:
    """Read, clean and cap the sets, and find every record's neighbours. Raises DataError."""
    paths = [path for path in sorted(config.sets.glob("*.jsonl.xz")) if _name(path) not in config.left_out]
    splits = {path: read_splits(path) for path in track(paths, total=len(paths), shown=progress, what="sets")}
    kept_out = {text_fingerprint(text) for path in paths for text in _kept_out(splits[path], _name(path), config)}
    sets: list[Inventory] = []
    records: list[Example] = []
    for name, labels, found, path in chain(_of_sets(splits, kept_out, config), _of_blocks(kept_out, config)):
        start, end = len(records), len(records) + len(found)
        written = path.suffix == ".txt"
        sets.append(Inventory(name, found[0].language, start, end, labels, sha256_of([path]), written))
        records += found
    if not records:
        raise DataError(f"no annotated record is left of {config.sets}", hint="name a folder of .jsonl.xz files")
    near, far = _neighbours(sets, records, config, progress=progress)
    return Mixture(tuple(sets), records, near, far)


_Part = tuple[str, tuple[str, ...], list[Example], Path]
"""A set's name, types and records, and the file that they were read from."""


def _of_sets(splits: Mapping[Path, Splits], kept_out: Collection[str], config: MixtureConfig) -> Iterator[_Part]:
    for path, read in splits.items():
        name = _name(path)
        if name in config.held_out:
            continue
        found = read[learned_split(read)]
        if name in config.simplified:
            found = [simplified(record) for record in found]
        found = [record for record in found if text_fingerprint(record.text) not in kept_out]
        kept = _capped(_cleaned(found, config, name), config, name)
        counts = Counter(entity.label for record in kept for entity in record.entities)
        if counts:
            yield name, tuple(label for label, _ in counts.most_common()), kept, path


def _of_blocks(kept_out: Collection[str], config: MixtureConfig) -> Iterator[_Part]:
    for path in sorted(config.written.glob("*.txt")) if config.written else ():
        for block in divided(read_written(path), config.spared)[0]:
            kept = [record for record in block.examples if text_fingerprint(record.text) not in kept_out]
            if kept:
                yield block.name, block.labels, kept, path


def _name(path: Path) -> str:
    return path.name.partition(".")[0]


def learned_split(splits: Splits) -> str:
    """The train split; of sets without one dev, and test where there is nothing else."""
    return next(split for split in (*_SPLITS, *splits) if split in splits)


def _kept_out(splits: Splits, name: str, config: MixtureConfig) -> Iterator[str]:
    """Every text of a held-out set, and the dev and test texts of another, on which seen domains are measured."""
    for split, records in splits.items():
        if name in config.held_out or (split in _SPLITS and split != learned_split(splits)):
            yield from (record.text for record in records)


def _cleaned(records: Sequence[Example], config: MixtureConfig, name: str) -> list[Example]:
    """Records that are short enough, once each, with their types' good names and without rare types."""
    names = config.labels.get(name, {})
    seen: set[str] = set()
    found: list[tuple[Example, list[Entity]]] = []
    for record in records:
        fingerprint = text_fingerprint(record.text)
        if not 4 <= len(record.text) <= config.longest or fingerprint in seen:
            continue
        seen.add(fingerprint)
        called = [(entity, names.get(entity.label, entity.label)) for entity in record.entities]
        entities = {(e.start, e.end, label): Entity(e.text, label, e.start, e.end) for e, label in called if label}
        found.append((record, sorted(entities.values(), key=lambda e: (e.start, -e.end))))
    counts = Counter(entity.label for _, entities in found for entity in entities)
    return [
        Example(
            record.text, tuple(e for e in entities if counts[e.label] >= FEWEST), name, record.language, id=record.id
        )
        for record, entities in found
    ]


def simplified(record: Example) -> Example:
    """A Chinese record in simplified characters, one for each. Raises MissingExtraError."""
    convert = _converter().convert
    text: str = convert(record.text)
    if len(text) != len(record.text):
        text = "".join(map(convert, record.text))
    entities = tuple(replace(each, text=text[each.start : each.end]) for each in record.entities)
    return replace(record, text=text, entities=entities)


@cache
def _converter() -> Any:
    return require("opencc", extra="train").OpenCC("t2s")


def _capped(records: list[Example], config: MixtureConfig, name: str) -> list[Example]:
    """A random part in the order of the set, so that neighbours in a document stay together."""
    rng = random.Random(f"{config.seed}/{name}")
    full = [row for row, record in enumerate(records) if record.entities]
    empty = [row for row, record in enumerate(records) if not record.entities]
    rows = full + rng.sample(empty, min(len(empty), int(config.empty * len(full))))
    most = config.caps.get(name, config.cap)
    return [records[row] for row in sorted(rng.sample(rows, min(len(rows), most)))]


def _neighbours(
    sets: Sequence[Inventory], records: Sequence[Example], config: MixtureConfig, *, progress: bool
) -> tuple[Rows, Rows]:
    near = np.full((len(records), config.near), NOBODY, np.int32)
    far = np.full((len(records), config.far), NOBODY, np.int32)
    rng = np.random.default_rng(config.seed)
    for language in sorted({item.language for item in sets}):
        speaking = [item for item in sets if item.language == language]
        rows = np.concatenate([np.arange(item.start, item.end) for item in speaking])
        place = np.full(len(records), NOBODY, np.int64)
        place[rows] = np.arange(len(rows))
        vectors = lexical_vectors([records[row].text for row in rows], language)
        for item in track(speaking, total=len(speaking), shown=progress, what=f"sets in {language!r}"):
            own = rows[place[item.start] : place[item.start] + len(item)]
            mine = vectors[place[own]]
            near[own] = _filled(nearest_neighbours(mine, mine, config.near, own=0)[0], own, config.near)
            others = rows[(rows < item.start) | (rows >= item.end)]
            others = np.sort(rng.choice(others, min(len(others), OTHERS_SOUGHT), replace=False))
            far[own] = _nearest_of(mine, vectors, place, others, config.far)
    return near, far


def _nearest_of(mine: Vectors, vectors: Vectors, place: NDArray[np.int64], rows: NDArray[Any], count: int) -> Rows:
    if not len(rows):
        return np.full((len(mine), count), NOBODY, np.int32)
    return _filled(nearest_neighbours(mine, vectors[place[rows]], count)[0], rows, count)


def _filled(found: Rows, rows: NDArray[Any], count: int) -> Rows:
    """The rows of the mixture that ``found`` numbers, with NOBODY where it has fewer than ``count``."""
    filled = np.full((len(found), count), NOBODY, np.int32)
    filled[:, : found.shape[1]] = rows[found]
    return filled


def shared_types(sets: Sequence[Inventory], config: MixtureConfig) -> dict[str, tuple[int, list[str]]]:
    """Of each held-out set how many types it has, and which of their names a set of the mixture has, too."""
    known = {label.casefold() for item in sets for label in item.labels}
    found: dict[str, tuple[int, list[str]]] = {}
    for name in config.held_out:
        splits = read_splits(config.sets / f"{name}.jsonl.xz")
        labels = {label for records in splits.values() for record in records for label in record.labels}
        found[name] = len(labels), sorted(label for label in labels if label.casefold() in known)
    return found


def write_mixture(mixture: Mixture, config: MixtureConfig, directory: Path) -> None:
    """Write the three files; ``mixture.json`` last."""
    directory.mkdir(parents=True, exist_ok=True)
    with completed(directory / "records.jsonl.xz") as partial, lzma.open(partial, "wt", encoding="utf-8") as stream:
        for record in mixture.records:
            spans = [[entity.start, entity.end, entity.label] for entity in record.entities]
            stream.write(json.dumps([record.id, record.text, spans], ensure_ascii=False) + "\n")
    with completed(directory / "neighbours.npz") as partial, partial.open("wb") as binary:
        np.savez_compressed(binary, near=mixture.near, far=mixture.far)
    about = {"config": _plain(asdict(config)), "sets": [asdict(item) for item in mixture.sets]}
    with completed(directory / "mixture.json") as partial:
        partial.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}


def read_inventories(directory: Path) -> tuple[Inventory, ...]:
    """The sets of a mixture that was written, without its records. Raises DataError."""
    try:
        about = json.loads((directory / "mixture.json").read_text("utf-8"))
        return tuple(Inventory(**{**item, "labels": tuple(item["labels"])}) for item in about["sets"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(directory, error) from error


def read_mixture(directory: Path) -> Mixture:
    """What ``write_mixture`` wrote. Raises DataError."""
    sets = read_inventories(directory)
    try:
        with np.load(directory / "neighbours.npz", allow_pickle=False) as stored:
            near, far = stored["near"], stored["far"]
        with lzma.open(directory / "records.jsonl.xz", "rt", encoding="utf-8") as stream:
            lines = iter(stream)
            records = [_record(next(lines), item) for item in sets for _ in range(len(item))]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, lzma.LZMAError) as error:
        raise _unreadable(directory, error) from error
    return Mixture(sets, records, near, far)


def _unreadable(directory: Path, error: Exception) -> DataError:
    return DataError(
        f"cannot read a mixture from {directory}: {error}", hint="write it with ranit_training.nano.mixture"
    )


def _record(line: str, item: Inventory) -> Example:
    name, text, spans = json.loads(line)
    entities = tuple(Entity(text[start:end], label, start, end) for start, end, label in spans)
    return Example(text, entities, item.name, item.language, id=name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    config = read_section(options.config, "mixture", MixtureConfig)
    mixture = make_mixture(config, progress=True)
    write_mixture(mixture, config, options.output)
    print(f"{len(mixture.records):,} records of {len(mixture.sets)} sets")
    for name, (count, shared) in shared_types(mixture.sets, config).items():
        print(f"{name}: {len(shared)} of {count} types are named in training, too: {', '.join(shared)}")


if __name__ == "__main__":
    main()
