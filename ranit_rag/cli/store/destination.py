"""The store that examples go to, opened or made only when there is something to write."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import chain

import click

from ranit_rag.cli.terminal import printable
from ranit_rag.retrieval.filling import open_to_fill
from ranit_rag.stores.base import AddReport, ExampleStore, Progress, StoreSet
from ranit_rag.stores.checks import check_name
from ranit_rag.types import Example


class Destination:
    """An ``ImportTarget``: a new store gets the embedder named, else the default of its first example's language."""

    def __init__(self, stores: StoreSet, name: str, embedder: str | None) -> None:
        self.name = check_name(name)
        self._stores = stores
        self._embedder = embedder

    def add(self, examples: Iterable[Example], *, on_progress: Progress | None = None) -> AddReport:
        rest = iter(examples)
        first = next(rest, None)
        if first is None:
            return AddReport()
        return self._open(first.language).add(chain([first], rest), on_progress=on_progress)

    def _open(self, language: str) -> ExampleStore:
        there = self.name in self._stores.names()
        store = open_to_fill(self._stores, self.name, language=language, embedder=self._embedder)
        if not there:
            click.echo(f"making the store {printable(self.name)} with embeddings of {store.embedding.name}", err=True)
        return store


def bar_is_shown() -> bool:
    """Whether a progress bar would be seen."""
    return sys.stderr.isatty()


def tell_added(name: str, added: AddReport) -> None:
    """What became of the examples, in one line on standard error."""
    parts = [f"{added.added} added"]
    if added.replaced:
        parts.append(f"{added.replaced} replaced")
    if added.present:
        parts.append(f"{added.present} there already")
    if added.duplicates:
        parts.append(f"{added.duplicates} given twice")
    click.echo(f"{printable(name, lines=False)}: {', '.join(parts)}", err=True)
