"""How errors are told: one line, the remedy under it, and a traceback only where it is asked for."""

from __future__ import annotations

import traceback

import click

from ranit_rag.cli.terminal import console, printable
from ranit_rag.errors import ConfigError, DataError, InputError, ProfileError, RanitError

DEBUG = "ranit.debug"
"""The key of the click context's ``meta`` under which the commands note ``--debug``."""


def tell_error(error: Exception, *, about: str = "") -> None:
    """Write ``error: message`` and ``hint: …`` to standard error, with what it is ``about`` where it does not say so.

    With ``--debug`` the traceback stands before them.
    """
    if isinstance(error, RanitError):
        message, hint = error.message, error.hint
    elif isinstance(error, OSError):
        message, hint = str(error), ""
    else:
        message = f"{type(error).__name__}: {error}"
        hint = "this should not happen: run again with --debug, and report what it prints"
    if about and not message.startswith(about):
        message = f"{about}: {message}"
    if click.get_current_context().meta.get(DEBUG):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    from rich.text import Text

    out = console(stderr=True)
    told = (("error", message, "bold red"), ("hint", hint, "bold cyan"))
    for name, words, style in told:
        if words:
            out.print(Text.assemble((f"{name}:", style), f" {printable(words, lines=False)}"), soft_wrap=True)


def exit_code(error: Exception) -> int:
    """2 where what was given is wrong, 1 where the work failed."""
    return 2 if isinstance(error, InputError | ConfigError | ProfileError | DataError) else 1
