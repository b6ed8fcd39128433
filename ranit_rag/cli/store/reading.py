"""``ranit store list``, ``stats`` and ``show``: what is in the stores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.errors import tell_error
from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.cli.store.tables import (
    format_option,
    print_example,
    print_stats,
    print_stores,
    wide_console,
    write_json,
)
from ranit_rag.cli.terminal import printable
from ranit_rag.errors import InputError, RanitError
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.stores.base import ExampleStore


@click.command("list", short_help="List all stores.")
@format_option
@place_options
def list_stores(form: str, **place: Any) -> None:
    """List all stores: examples, mentions, languages, types, embedding model, and writes that were cut off.

    The exit code is 1 when a store cannot be read.
    """
    with open_place(**place) as stores:
        from ranit_rag.stores.base import store_stats

        found, unusable = [], {}
        for name in stores.names():
            try:
                found.append(store_stats(stores.open(name)))
            except RanitError as error:
                unusable[name] = error.message
                tell_error(error, about=name)
    if form == "json":
        write_json([each.to_dict() for each in found] + [{"domain": d, "problem": p} for d, p in unusable.items()])
    elif found or unusable:
        print_stores(found, unusable)
    else:
        click.echo(
            "there are no stores yet: `ranit store import NAME FILE` makes one, the first extraction the bundled ones",
            err=True,
        )
    for each in found:
        if each.unfinished:
            click.echo(f"warning: {printable(each.domain, lines=False)} is UNFINISHED: {each.unfinished}", err=True)
    if unusable:
        raise click.exceptions.Exit(1)


@click.command(short_help="Count what is in a store.")
@click.argument("name")
@format_option
@place_options
def stats(name: str, form: str, **place: Any) -> None:
    """Count what is in the store NAME: examples, languages, mentions of each type; its embedding, its calibration."""
    with open_place(**place) as stores:
        from ranit_rag.stores.base import store_stats

        counted = store_stats(stores.open(name))
    if form == "json":
        write_json(counted.to_dict())
    else:
        print_stats(counted)


@click.command(short_help="Show examples with their entities highlighted.")
@click.argument("name")
@click.option("--id", "ids", multiple=True, help="An example's id. Repeatable.")
@click.option("-t", "--type", "types", multiple=True, metavar="TYPE", help="Only examples with this type. Repeatable.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many at most.")
@format_option
@place_options
def show(name: str, ids: tuple[str, ...], types: tuple[str, ...], limit: int, form: str, **place: Any) -> None:
    """Show examples of the store NAME with their entities highlighted.

    ``ranit store export`` writes all of them.
    """
    with open_place(**place) as stores:
        store = stores.open(name)
        check_ids(store, ids)
        examples = list(islice(_chosen(store, ids, types), len(ids) or limit))
    if form == "json":
        write_json([example.to_dict() for example in examples])
        return
    out = wide_console()
    for example in examples:
        print_example(example, out)
    if not examples:
        click.echo("there are none", err=True)


def check_ids(store: ExampleStore, ids: tuple[str, ...]) -> None:
    """Raise InputError where the store has no example with one of the ids."""
    unknown = sorted(set(ids) - set(store.snapshot().row_of_id)) if ids else []
    if unknown:
        raise InputError(
            f"store {store.name!r} has no example {', '.join(unknown)}",
            hint=f"`ranit store show {store.name}` tells the ids",
        )


def _chosen(store: ExampleStore, ids: tuple[str, ...], types: tuple[str, ...]) -> Iterator[Example]:
    for example in store.snapshot().examples:
        if (not ids or example.id in ids) and (not types or set(types) & set(example.labels)):
            yield example
