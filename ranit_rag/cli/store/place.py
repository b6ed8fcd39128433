"""Where the stores are: the options that say so, and the stores there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option

if TYPE_CHECKING:
    from ranit_rag.stores.base import StoreSet

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--stores", metavar="DIR|URL", help="A directory, or the URL of a Chroma server. Default: stores in RANIT_HOME."
    ),
    click.option("--tenant", help="The tenant of the Chroma server."),
    click.option("--database", help="The database of the Chroma server."),
    debug_option,
)


def place_options(command: Command) -> Command:
    """Options that name the settings of the place; the command hands them to ``open_place``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def open_place(**settings: Any) -> Iterator[StoreSet]:
    """The stores at the place that the options, the settings or RANIT_HOME say."""
    set_up_logs(quiet=False)
    from ranit_rag.config import Settings
    from ranit_rag.stores import configured_stores

    stores = configured_stores(Settings.load(**settings))
    try:
        yield stores
    finally:
        stores.close()
