"""Options that commands share, and what is written in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from ranit_rag.cli.errors import DEBUG
from ranit_rag.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

_ENGINE_OPTIONS = (
    click.option("--engine", help="transformers (default), vllm, or openai for any compatible server."),
    click.option("--model", help="A model's name or directory. Default: the embedded model."),
    click.option("--adapter", help="The directory of a LoRA adapter to load over the model."),
    click.option("--base-url", help="The server's address, for example http://localhost:8000/v1."),
    click.option("--profile", help="A prompt profile's name, or the path of a profile file."),
    click.option("--language", help="en or zh. Default: told from each text."),
    click.option("--device", help="cpu, cuda, mps … Default: the best there is."),
    click.option("--dtype", help="float32, bfloat16 … Default: what suits the device."),
    click.option("--no-grammar", "grammar", flag_value=False, default=None, help="Let the model write freely."),
    click.option("--max-output-tokens", type=int, help="The longest answer to one query. Default: 256."),
)

_RETRIEVAL_OPTIONS = (
    click.option("--stores", help="The directory of the example stores, or the URL of a Chroma server."),
    click.option("--domain", help="The only store to take examples from. Default: the judge chooses among all."),
    click.option("--judge", help="calibrated (default), paper, always, never, or llm: who decides on examples."),
    click.option("--strategy", help="How examples are chosen: nn (default), diverse_nn, bm25_rank …"),
    click.option("-k", "--k", type=int, help="How many examples are shown. Default: 2."),
)

_DECODING_OPTIONS = (
    click.option(
        "--overlaps",
        help="keep, or flat: of entities that overlap the best stays. Default: what the model recommends, else keep.",
    ),
    click.option(
        "--min-score", type=float, help="Drop entities with a lower score. Default: what the model recommends, else 0."
    ),
    click.option(
        "--precedents/--no-precedents",
        default=None,
        help="Whether what the text's own store says of the same words counts. Default: as the model recommends.",
    ),
)


def retrieval_options(command: Command) -> Command:
    """Options that name settings of the retriever; one that is not given is None, and left to the settings."""
    for option in reversed(_RETRIEVAL_OPTIONS):
        command = option(command)
    return command


def decoding_options(command: Command) -> Command:
    """Options that name settings of what survives; one that is not given is None, and left to the settings."""
    for option in reversed(_DECODING_OPTIONS):
        command = option(command)
    return command


def engine_options(command: Command) -> Command:
    """Options that name settings of the engine; one that is not given is None, and left to the settings."""
    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


def debug_option(command: Command) -> Command:
    """``--debug``: errors come with their traceback."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.meta[DEBUG] = value

    option = click.option(
        "--debug", is_flag=True, expose_value=False, callback=remember, help="Show the traceback of an error."
    )
    return option(command)


def parse_types(values: Iterable[str]) -> dict[str, str] | None:
    """``name=definition`` or ``name,name,…`` of each ``--type`` as ``{name: definition}``; None where there are none.

    A comma in a value with ``=`` belongs to the name or the definition. Raises InputError for a blank or repeated name.
    """
    named: list[tuple[str, str]] = []
    for value in values:
        if "=" in value:
            name, _, definition = value.partition("=")
            named.append((name.strip(), definition.strip()))
        else:
            named += [(name.strip(), "") for name in re.split("[,，、]", value)]
    if any(not name for name, _ in named):
        raise InputError("a --type is blank", hint="name it: --type drug, or --type 'drug=a medicine'")
    name, times = Counter(name for name, _ in named).most_common(1)[0] if named else ("", 0)
    if times > 1:
        raise InputError(f"the type {name!r} is given {times} times", hint="give each --type once")
    return dict(named) or None
