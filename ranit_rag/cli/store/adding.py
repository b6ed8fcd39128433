"""``ranit store add``: an example from the command line, or a few from standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import click

from ranit_rag.cli.sources import argument_record
from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.corpus.records import parse_examples
from ranit_rag.errors import InputError
from ranit_rag.types import Example


@click.command(short_help="Add an example.")
@click.argument("name")
@click.argument("text", required=False)
@click.option(
    "-e", "--entity", "entities", multiple=True, metavar="TYPE=MENTION", help="A mention of the text. Repeatable."
)
@click.option("--language", help="en or zh. Default: told from the text.")
@click.option("--source", default="", help="Where the example is from, for your own records.")
@click.option("--embedder", help="The embedding model of a new store. Default: what suits the language.")
@place_options
def add(
    name: str,
    text: str | None,
    entities: tuple[str, ...],
    language: str | None,
    source: str,
    embedder: str | None,
    **place: Any,
) -> None:
    """Add an example to the store NAME, which is made if need be.

    Every place where a mention stands in TEXT becomes an entity. Without TEXT, examples are read from standard input
    as JSON lines: {"text": "…", "entities": {"person": ["Ada Lovelace"]}}, or with offsets as in an extraction. An
    example whose text is there already takes its place.

    \b
    ranit store add news "Ada Lovelace lived in London." -e person="Ada Lovelace" -e city=London
    ranit store add news < corrected.jsonl
    """
    given: Iterable[Example]
    if text is None or text == "-":
        if entities:
            raise click.UsageError("--entity needs a TEXT; the lines of standard input have entities of their own")
        if sys.stdin.isatty():
            raise click.UsageError("give a TEXT, or pipe examples in as JSON lines")
        given = parse_examples(sys.stdin.buffer, "standard input")
    else:
        given = [Example.from_mentions(_checked(text), _mentions(entities), domain=name.strip())]

    with open_place(**place) as stores:
        from ranit_rag.cli.store.destination import tell_added, tell_made
        from ranit_rag.retrieval.filling import Destination

        destination = Destination(stores, name, embedder, on_made=tell_made)
        tell_added(destination.name, destination.add(list(_completed(given, destination.name, language, source))))


def _checked(text: str) -> str:
    if not text.strip():
        raise InputError("the text is empty", hint="give the text of an example")
    return argument_record(text).text


def _mentions(entities: Iterable[str]) -> dict[str, list[str]]:
    mentions: dict[str, list[str]] = {}
    for entity in entities:
        label, separator, mention = entity.partition("=")
        if not separator or not label.strip() or not mention:
            raise InputError(f"--entity {entity!r} is not TYPE=MENTION", hint='write -e person="Ada Lovelace"')
        mentions.setdefault(label.strip(), []).append(mention)
    return mentions


def _completed(examples: Iterable[Example], domain: str, language: str | None, source: str) -> Iterator[Example]:
    from ranit_rag.text import detect_language

    for example in examples:
        known = language or example.language or detect_language(example.text)
        yield replace(example, domain=domain, language=known, source=source or example.source)
