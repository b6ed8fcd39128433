"""The making of a data set: records in, conversations with their manifest out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.errors import DataError
from ranit_rag.prompts import Profile
from ranit_rag.types import Example
from ranit_training.augment import ExampleFinder, Retrieval, Shown
from ranit_training.augment.neighbours import Vectors
from ranit_training.benchmarks import benchmark_rows, benchmark_types
from ranit_training.conversations import Asked, Asking, ask_types, training_rows
from ranit_training.duplicates import Contamination, find_contamination
from ranit_training.layouts import Layout, Row, write_llama_factory, write_rows
from ranit_training.manifest import Manifest
from ranit_training.sources import load_records
from ranit_training.vectors import Embedder, embed_records, load_vectors


@dataclass(frozen=True, slots=True)
class Records:
    """Files of annotated records; ``vectors`` has a row for each of them."""

    paths: tuple[Path, ...]
    split: str | None = None
    skip_broken: bool = False
    vectors: Path | None = None

    def load(self) -> list[Example]:
        return load_records(self.paths, split=self.split, skip_broken=self.skip_broken)

    @property
    def inputs(self) -> list[Path]:
        return [*self.paths, *([self.vectors] if self.vectors else [])]


@dataclass(frozen=True, slots=True)
class Output:
    """Where conversations are written: a file, or for ``llama-factory`` a directory that gets the data set ``name``."""

    path: Path
    layout: Layout = "files"
    name: str = "ranit"

    def write(self, rows: Iterable[Row]) -> int:
        if self.layout == "llama-factory":
            return write_llama_factory(rows, self.path, self.name)
        return write_rows(rows, self.path)

    @property
    def file(self) -> Path:
        """The file with the conversations."""
        return self.path / f"{self.name}.jsonl" if self.layout == "llama-factory" else self.path


@dataclass(frozen=True, slots=True)
class Examples:
    """Where examples come from: the records of ``pool`` (None: the records themselves), chosen by ``retrieval``.

    Vectors that are not given are computed by the ``embedder`` and kept beside the output.
    """

    retrieval: Retrieval
    pool: Records | None = None
    embedder: Embedder | None = None

    @property
    def needs_vectors(self) -> bool:
        return self.retrieval.strategy != "random"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: conversations, and the ``counts`` that the manifest holds as well."""

    rows: int
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
    counts: Counter[str] = Counter()
    shown = _shown_for(kept, used, records, examples, output) if examples else (Shown(r, ()) for r in kept)
    rows = training_rows(_counted_types(ask_types(kept, asking), counts), asking, _counted(shown, counts))
    written = output.write(rows)
    told = {
        "records": len(loaded),
        "without_entities": sum(not record.entities for record in loaded),
        "dropped_overlaps": len(dropped),
        **dict(counts),
        **({"contamination": overlaps.to_dict()} if overlaps else {}),
    }
    manifest = Manifest(
        "augment" if examples else "conversations",
        [*records.inputs, *_pool_inputs(examples), *(evaluation.inputs if evaluation else [])],
        asking.seed,
        asking.pins,
        examples.retrieval.strategy if examples else None,
        {
            "split": records.split,
            "absent_rate": asking.absent_rate,
            "absent_from": asking.absent_from,
            "drop_overlaps": drop_overlaps,
            **_retrieval_parameters(examples),
        },
        {"conversations": written, **told},
    )
    return Made(written, manifest.counts, manifest.write([output.file]))


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
    overlaps: Contamination | None = None
    counts: Counter[str] = Counter()
    shown: Iterable[Shown] = (Shown(record, ()) for record in loaded)
    if examples is not None:
        if examples.pool is None:
            raise DataError("a benchmark needs a pool of examples", hint="give records that are not evaluated: --pool")
        overlaps = find_contamination(examples.pool.load(), loaded)
        shown = _shown_for(loaded, np.ones(len(loaded), bool), records, examples, output)
    pairs = zip(loaded, _counted(shown, counts), strict=True)
    written = output.write(benchmark_rows(pairs, asked, profiles, repeats=repeats))
    manifest = Manifest(
        "benchmark",
        [*records.inputs, *_pool_inputs(examples)],
        examples.retrieval.seed if examples else None,
        tuple(dict.fromkeys(profile.pin for profile in profiles.values())),
        examples.retrieval.strategy if examples else None,
        {"split": records.split, "types": asked, "repeats": repeats, **_retrieval_parameters(examples)},
        {
            "conversations": written,
            "records": len(loaded),
            **dict(counts),
            **({"contamination": overlaps.to_dict()} if overlaps else {}),
        },
    )
    return Made(written, manifest.counts, manifest.write([output.file]))


def _shown_for(
    kept: Sequence[Example],
    used: np.ndarray[Any, np.dtype[np.bool_]],
    records: Records,
    examples: Examples,
    output: Output,
) -> Iterator[Shown]:
    own = _vectors(records, len(used), examples, [r.text for r in kept], output, "vectors", used)
    if examples.pool is None:
        return ExampleFinder(kept, own, examples.retrieval).find()
    pool = examples.pool.load()
    with_entities = np.array([bool(example.entities) for example in pool])
    shown = [example for example in pool if example.entities]
    theirs = _vectors(
        examples.pool, len(pool), examples, [e.text for e in shown], output, "pool-vectors", with_entities
    )
    return ExampleFinder(shown, theirs, examples.retrieval).find(kept, own)


def _vectors(
    records: Records,
    rows: int,
    examples: Examples,
    texts: Sequence[str],
    output: Output,
    name: str,
    used: np.ndarray[Any, np.dtype[np.bool_]],
) -> Vectors | None:
    """Those given for all ``rows`` of the records, less the unused ones; or the embeddings of ``texts``, the used."""
    if not examples.needs_vectors:
        return None
    if records.vectors is not None:
        vectors = load_vectors(records.vectors, rows)
        return vectors if used.all() else vectors[used]
    if examples.embedder is None:
        named = ", ".join(map(str, records.paths))
        raise DataError(f"there are no vectors for {named}", hint="give them (.npy), or an embedding model")
    return embed_records(texts, examples.embedder, output.file.with_name(f"{output.file.name}.{name}.npy"))


def _counted(shown: Iterable[Shown], counts: Counter[str]) -> Iterator[tuple[Example, ...]]:
    for item in shown:
        counts[f"with_{len(item.examples)}_examples"] += 1
        yield item.examples


def _counted_types(asked: Iterable[Asked], counts: Counter[str]) -> Iterator[Asked]:
    for item in asked:
        counts["absent_types"] += item.absent
        counts["present_types"] += len(item.types) - item.absent
        yield item


def _pool_inputs(examples: Examples | None) -> list[Path]:
    return examples.pool.inputs if examples and examples.pool else []


def _retrieval_parameters(examples: Examples | None) -> dict[str, Any]:
    if examples is None:
        return {}
    embedder = {"embedder": examples.embedder.name} if examples.embedder else {}
    pool_split = {"pool_split": examples.pool.split} if examples.pool else {}
    shape = {name: value for name, value in asdict(examples.retrieval).items() if name not in ("strategy", "device")}
    return {**shape, **embedder, **pool_split}
