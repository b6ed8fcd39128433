"""``ranit store export``: the examples of a store as a file in any format that can be imported again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.errors import tell_error
from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.stores.base import ExampleStore


@click.command(short_help="Write the examples to a file.")
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write. Default: standard output."
)
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    help="jsonl, conll, sharegpt, huggingface, label-studio or spacy. Default: what --output is called, else jsonl.",
)
@place_options
def export(name: str, output: Path | None, form: str | None, **place: Any) -> None:
    """Write the examples of the store NAME to a file or to standard output.

    huggingface (Parquet) and spacy (DocBin) need a file. The exit code is 1 when an example is damaged; the others are
    written.
    """
    with open_place(**place) as stores:
        from ranit_rag.stores.formats import as_format, text_lines, write_examples

        chosen = as_format(form) if form else None
        sound = Sound(stores.open(name))
        if output is not None:
            write_examples(sound, output, chosen or "auto")
        else:
            for line in text_lines(sound, chosen or "jsonl"):
                sys.stdout.buffer.write(line.encode())
    if sound.damaged:
        click.echo(f"damaged examples left out: {sound.damaged}", err=True)
        raise click.exceptions.Exit(1)
    if output is not None:
        click.echo(f"examples written to {output}: {sound.written}", err=True)


class Sound:
    """The examples of a store that can be read, one after the other; it tells the others and counts both."""

    def __init__(self, store: ExampleStore) -> None:
        self._store = store
        self.written = 0
        self.damaged = 0

    def __iter__(self) -> Iterator[Example]:
        for record in self._store.records():
            if isinstance(record, Example):
                self.written += 1
                yield record
            else:
                self.damaged += 1
                tell_error(record)
