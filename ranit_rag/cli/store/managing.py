"""``ranit store delete`` and ``rename``."""

from __future__ import annotations

import sys
from typing import Any

import click

from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.cli.store.reading import check_ids
from ranit_rag.cli.terminal import printable
from ranit_rag.errors import InputError


@click.command(short_help="Delete a store, or some of its examples.")
@click.argument("name")
@click.option("--id", "ids", multiple=True, help="Delete this example only. Repeatable.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@place_options
def delete(name: str, ids: tuple[str, ...], yes: bool, **place: Any) -> None:
    """Delete the store NAME with all its examples, or some of its examples, after asking."""
    shown = printable(name, lines=False)
    with open_place(**place) as stores:
        if ids:
            store = stores.open(name)
            check_ids(store, ids)
            _confirm(f"delete {len(set(ids))} of the {len(store)} examples of {shown}?", yes)
            click.echo(f"examples of {shown} deleted: {store.delete(ids)}", err=True)
            return
        if name not in stores.names():
            stores.open(name)  # raises, and names those that there are
        _confirm(f"delete the store {shown} with all its examples?", yes)
        stores.delete(name)
    click.echo(f"store {shown} deleted", err=True)


@click.command(short_help="Rename a store.")
@click.argument("old")
@click.argument("new")
@place_options
def rename(old: str, new: str, **place: Any) -> None:
    """Give the store OLD the name NEW."""
    with open_place(**place) as stores:
        stores.rename(old, new)
    click.echo(f"store {printable(old, lines=False)} is now {printable(new.strip(), lines=False)}", err=True)


def _confirm(question: str, yes: bool) -> None:
    """Ask on standard error; an answer that is not yes ends the command with exit code 1."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort as error:
        if sys.stdin.isatty():
            raise
        raise InputError("nobody is there to confirm: nothing was deleted", hint="give --yes") from error
    if not agreed:
        click.echo("nothing was deleted", err=True)
        raise click.exceptions.Exit(1)
