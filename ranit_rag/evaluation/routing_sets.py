"""Routing sets from annotated files that have splits: train texts fill the store, the others are queries."""

from __future__ import annotations

import random
from pathlib import Path

from ranit_rag.errors import DataError
from ranit_rag.evaluation.data_sets import language_of, read_splits
from ranit_rag.evaluation.routing import RoutingSet, without_repeats

STORED = 500
QUERIES = 80
MIN_SHARE_STORED = 0.75  # where a file has but one split
QUERY_SPLITS = ("test", "dev")
STORE_SPLITS = ("train", "dev")


def read_routing_set(
    path: Path, language: str | None = None, *, stored: int = STORED, queries: int = QUERIES, store: bool = True
) -> RoutingSet:
    """A set from ``<name>.jsonl``, plain, ``.gz`` or ``.xz``, with ``text``, ``entities`` and ``split`` in each line.

    Texts without entities are left out; what is taken is drawn at random, the same for each name. The store is filled
    from ``train``, or ``dev`` where there is none; queries come from ``test``, or ``dev``, or what the store left.
    Without ``store`` the set has queries alone; without ``language`` it is told from the texts. Raises DataError.
    """
    name = path.name.partition(".")[0]
    annotated = {split: [e for e in examples if e.entities] for split, examples in read_splits(path).items()}
    splits = {split: examples for split, examples in annotated.items() if examples}
    if not splits:
        raise DataError(f"{path} holds no annotated texts", hint="each line needs text and entities")
    rng = random.Random(name)
    source = next((split for split in STORE_SPLITS if split in splits), next(iter(splits)))
    asked = next((split for split in QUERY_SPLITS if split in splits and split != source), source)
    pool = list(splits[source])
    rng.shuffle(pool)
    if asked == source:
        stored = min(stored, int(MIN_SHARE_STORED * len(pool)))
        rest = pool[stored:]
    else:
        rest = list(splits[asked])
        rng.shuffle(rest)
    texts = tuple(dict.fromkeys(example.text for example in rest[:queries]))
    examples = pool[:stored]
    types = tuple(sorted({label for example in examples for label in example.labels}))
    language = language or language_of(pool)
    return RoutingSet(name, language, types, texts, without_repeats(examples, texts) if store else ())
