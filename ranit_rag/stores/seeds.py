"""The bundled examples: a store for each of a few English and Chinese domains, written for this project."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from ranit_rag.errors import DataError
from ranit_rag.stores.base import Embedder, ExampleStore, Progress, StoreSet
from ranit_rag.stores.formats.jsonl import read_jsonl
from ranit_rag.stores.formats.reading import Defaults
from ranit_rag.types import Example

SEED_LANGUAGES = ("en", "zh")
"""The languages of the bundled examples; each domain has one."""


@cache
def _seeds() -> Mapping[str, tuple[Example, ...]]:
    """All seeds by the domain that their records name. Raises DataError where a file is damaged."""
    seeds: dict[str, tuple[Example, ...]] = {}
    folder = resources.files("ranit_rag.stores") / "seeds"
    for resource in sorted(folder.iterdir(), key=lambda item: item.name):
        if not resource.name.endswith(".jsonl"):
            continue
        with resources.as_file(resource) as path:
            examples = _read(path)
        seeds[examples[0].domain] = examples
    return seeds


def _read(path: Path) -> tuple[Example, ...]:
    examples = []
    for line, item in read_jsonl(path, Defaults()):
        if isinstance(item, DataError):
            raise DataError(f"{path.name}, line {line}: {item.message}", hint="install ranit-rag again")
        examples.append(item)
    if not examples or len({example.domain for example in examples}) != 1:
        raise DataError(f"{path.name} does not hold the examples of one domain", hint="install ranit-rag again")
    return tuple(examples)


def seed_names(languages: Collection[str] | None = None) -> tuple[str, ...]:
    """The domains of the bundled examples; those in some ``languages`` alone, where they are given."""
    return tuple(name for name, examples in _seeds().items() if languages is None or examples[0].language in languages)


def seed_examples(name: str) -> tuple[Example, ...]:
    """The bundled examples of a domain. Raises DataError where there are none."""
    if name not in _seeds():
        raise DataError(f"there are no bundled examples for {name!r}", hint=f"there are for {', '.join(_seeds())}")
    return _seeds()[name]


def build_seeds(
    stores: StoreSet,
    embedder_for: Callable[[str], Embedder],
    *,
    languages: Collection[str] | None = None,
    on_progress: Progress | None = None,
) -> list[str]:
    """Make the stores of the bundled domains that are not there yet or not whole; returns their names.

    ``embedder_for`` gives the embedder of a language; ``languages`` are those to deal with, None all. A store of the
    same name that holds anything else is left alone. ``on_progress`` counts the examples over all domains dealt with.
    """
    there = set(stores.names())
    built: list[str] = []
    done = 0
    for name in seed_names(languages):
        examples = _seeds()[name]
        if name not in there or _is_partial(stores.open(name), examples):
            store = stores.open(name, embedder_for(examples[0].language), create=True)
            store.add(examples)
            built.append(name)
        done += len(examples)
        if on_progress is not None:
            on_progress(done)
    return built


def _is_partial(store: ExampleStore, examples: tuple[Example, ...]) -> bool:
    """Whether the making of this store was cut off: some seeds are there, or none, and nothing else."""
    present = {example.text for example in store.snapshot().examples}
    return (not present or bool(store.unfinished)) and present <= {example.text for example in examples}
