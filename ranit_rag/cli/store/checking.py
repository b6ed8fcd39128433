"""``ranit store check``: what is wrong with stores, and which of their examples stand in a test file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.store.importing import FORMAT_HELP
from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.cli.store.tables import format_option, write_json
from ranit_rag.cli.terminal import printable
from ranit_rag.errors import DataError
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.stores.base import Embedder, ExampleStore, StoreSet
    from ranit_rag.stores.inspection import Problem

_QUOTED = 60


@click.command(short_help="Find what is wrong with stores, and test texts in them.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--against",
    "files",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="An evaluation file, none of whose texts may stand in a store. Repeatable.",
)
@click.option("--against-format", "file_form", default="auto", metavar="FORMAT", help=FORMAT_HELP)
@click.option("--embedder", help="The embedding model that you mean to use. Default: that of each store.")
@format_option
@place_options
def check(
    names: tuple[str, ...], files: tuple[Path, ...], file_form: str, embedder: str | None, form: str, **place: Any
) -> None:
    """Check the stores NAME, or all: writes that were cut off, damaged records, vectors of another embedding model.

    --against also looks for the texts of an evaluation file, exact or nearly repeated: examples that repeat a test text
    make results look better than they are. The exit code is 1 when anything is found.
    """
    with open_place(**place) as stores:
        from ranit_rag.retrieval.embedding import load_embedder

        def embedder_named(pinned: str) -> Embedder:
            return load_embedder(embedder or pinned)

        texts = _texts(files, file_form)
        checked = names or tuple(stores.names())
        problems = [each for name in checked for each in _problems(stores, name, embedder_named, texts)]
    if form == "json":
        write_json([problem.to_dict() for problem in problems])
    else:
        for problem in problems:
            click.echo(printable(f"{problem.store}: {problem.kind}: {problem.message}", lines=False))
            if problem.hint:
                click.echo(printable(f"  {problem.hint}", lines=False))
    click.echo(f"stores checked: {len(checked)}, problems found: {len(problems)}", err=True)
    if problems:
        raise click.exceptions.Exit(1)


def _texts(files: Sequence[Path], form: str) -> list[tuple[str, str]]:
    """The texts of evaluation files, each with its place. Raises DataError for a record that cannot be read."""
    from ranit_rag.stores.formats import read_examples

    texts = []
    for path in files:
        for line, item in read_examples(path, form):  # type: ignore[arg-type]  # an unknown one is an InputError
            if isinstance(item, DataError):
                raise DataError(f"{path}:{line}: {item.message}", hint=item.hint)
            texts.append((f"{path}:{line}", item.text))
    return texts


def _problems(
    stores: StoreSet, name: str, embedder_named: Callable[[str], Embedder], texts: Sequence[tuple[str, str]]
) -> Iterator[Problem]:
    from ranit_rag.stores.inspection import inspect

    found = list(inspect(stores, name, embedder_named))
    yield from found
    if texts and not any(problem.kind == "unusable" for problem in found):
        yield from _contamination(stores.open(name), texts)


def _contamination(store: ExampleStore, texts: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    from ranit_rag.stores.contamination import RepeatIndex
    from ranit_rag.stores.inspection import Problem

    index = RepeatIndex(record for record in store.records() if isinstance(record, Example))
    for place, text in texts:
        for repeat in index.find(text):
            how = "repeats" if repeat.exact else "nearly repeats"
            yield Problem(
                store.name,
                "contamination",
                f"example {repeat.example.id} {how} {place}: {repeat.example.text[:_QUOTED]}",
                f"ranit store delete {shlex.quote(store.name)} --id {repeat.example.id}",
            )
