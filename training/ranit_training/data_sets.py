"""The making of a data set: records in, conversations with their manifest out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.errors import DataError
from ranit_rag.prompts import Profile
from ranit_rag.types import Example
from ranit_training.augment import Shown
from ranit_training.benchmarks import benchmark_rows, benchmark_types
from ranit_training.conversations import Asked, Asking, ask_types, training_rows, used_pins
from ranit_training.disk import check_space, check_writable
from ranit_training.duplicates import Contamination, find_contamination
from ranit_training.layouts import Layout, Row, write_llama_factory, write_rows
from ranit_training.manifest import Manifest
from ranit_training.showing import Examples, Records, show_examples, with_embedder


@dataclass(frozen=True, slots=True)
class Output:
    """Where conversations are written: a file, or for ``llama-factory`` a directory that gets the data set ``name``."""

    path: Path
    layout: Layout = "files"
    name: str = "ranit"

    def check(self, records: Iterable[Example]) -> None:
        """Raises DataError where there is no room for as much as the records' texts, or no permission to write."""
        check_writable(self.file.parent)
        check_space(self.file, sum(len(record.text) for record in records))

    def write(self, rows: Iterable[Row]) -> int:
        if self.layout == "llama-factory":
            return write_llama_factory(rows, self.path, self.name)
        return write_rows(rows, self.path)

    @property
    def file(self) -> Path:
        """The file with the conversations."""
        return self.path / f"{self.name}.jsonl" if self.layout == "llama-factory" else self.path


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the ``counts`` of the manifest, and where that is."""

    counts: Mapping[str, Any]
    manifest: Path


def make_training_set(
    records: Records,
    output: Output,
    asking: Asking,
    examples: Examples | None = None,
    *,
    evaluation: Records | None = None,
    drop_overlaps: bool = False,
) -> Made:
    """Conversations that ask for all types of each record, with examples where ``examples`` says so.

    Records without entities are left out. With ``evaluation`` the records that repeat its texts are counted, and left
    out with ``drop_overlaps``. Raises DataError, InputError before the long work.
    """
    loaded = records.load()
    overlaps = find_contamination(loaded, evaluation.load()) if evaluation else None
    dropped = overlaps.contaminated if overlaps and drop_overlaps else frozenset()
    used = np.array([bool(record.entities) and record.id not in dropped for record in loaded])
    if not used.any():
        raise DataError("no record is left to make conversations of", hint="they have no entities, or all overlap")
    kept = [record for record, use in zip(loaded, used, strict=True) if use]
    output.check(kept)
    counts: Counter[str] = Counter()
    shown: Iterable[Shown] = (Shown(record, ()) for record in kept)
    if examples is not None:
        pool = examples.pool.load() if examples.pool else []
        examples = with_embedder(examples, records, loaded, pool)
        shown = show_examples(examples, records, loaded, used, pool, output.file)
    rows = training_rows(_counted_types(ask_types(kept, asking), counts), asking, _counted(shown, counts))
    written = output.write(rows)
    manifest = Manifest(
        "augment" if examples else "conversations",
        inputs=[*records.inputs, *(examples.inputs if examples else []), *(evaluation.inputs if evaluation else [])],
        seed=asking.seed,
        profiles=used_pins(kept, asking.profiles),
        strategy=examples.retrieval.strategy if examples else None,
        parameters={
            "split": records.split,
            "absent_rate": asking.absent_rate,
            "absent_from": asking.absent_from,
            "drop_overlaps": drop_overlaps,
            **(examples.parameters if examples else {}),
        },
        counts={
            "conversations": written,
            "records": len(loaded),
            "without_entities": sum(not record.entities for record in loaded),
            "dropped_overlaps": len(dropped),
            **counts,
            **({"contamination": overlaps.to_dict()} if overlaps else {}),
        },
    )
    return Made(manifest.counts, manifest.write([output.file]))


def make_benchmark(
    records: Records,
    output: Output,
    profiles: Mapping[str, Profile],
    examples: Examples | None = None,
    *,
    types: Sequence[str] = (),
    repeats: bool = False,
) -> Made:
    """Conversations that ask one type each, all ``types`` of every record, with examples from ``examples.pool``.

    Pool examples that repeat evaluation texts are counted; none of them is shown for the text that it repeats.
    """
    loaded = records.load()
    asked = benchmark_types(loaded, types)
    output.check(loaded)
    overlaps: Contamination | None = None
    counts: Counter[str] = Counter()
    shown: Iterable[Shown] = (Shown(record, ()) for record in loaded)
    if examples is not None:
        if examples.pool is None:
            raise DataError("a benchmark needs a pool of examples", hint="give records that are not evaluated: --pool")
        pool = examples.pool.load()
        overlaps = find_contamination(pool, loaded)
        examples = with_embedder(examples, records, loaded, pool)
        shown = show_examples(examples, records, loaded, np.ones(len(loaded), bool), pool, output.file)
    pairs = zip(loaded, _counted(shown, counts), strict=True)
    written = output.write(benchmark_rows(pairs, asked, profiles, repeats=repeats))
    manifest = Manifest(
        "benchmark",
        inputs=[*records.inputs, *(examples.inputs if examples else [])],
        seed=examples.retrieval.seed if examples else None,
        profiles=used_pins(loaded, profiles),
        strategy=examples.retrieval.strategy if examples else None,
        parameters={
            "split": records.split,
            "types": asked,
            "repeats": repeats,
            **(examples.parameters if examples else {}),
        },
        counts={
            "conversations": written,
            "records": len(loaded),
            **counts,
            **({"contamination": overlaps.to_dict()} if overlaps else {}),
        },
    )
    return Made(manifest.counts, manifest.write([output.file]))


def _counted(shown: Iterable[Shown], counts: Counter[str]) -> Iterator[tuple[Example, ...]]:
    for item in shown:
        counts[f"with_{len(item.examples)}_examples"] += 1
        yield item.examples


def _counted_types(asked: Iterable[Asked], counts: Counter[str]) -> Iterator[Asked]:
    for item in asked:
        counts["absent_types"] += item.absent
        counts["present_types"] += len(item.types) - item.absent
        yield item
