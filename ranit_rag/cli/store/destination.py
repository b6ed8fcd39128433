"""What is told of the store that examples go to."""

from __future__ import annotations

import sys

import click

from ranit_rag.cli.terminal import printable
from ranit_rag.stores.base import AddReport, ExampleStore


def tell_made(store: ExampleStore) -> None:
    """Say that there is a new store, in one line on standard error."""
    click.echo(f"making the store {printable(store.name)} with embeddings of {store.embedding.name}", err=True)


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
