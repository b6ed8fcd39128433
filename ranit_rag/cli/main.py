"""The ``ranit`` command: its subcommands are imported when they are called, and their errors told in one place."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

import ranit_rag
from ranit_rag.cli.errors import exit_code, tell_error

# Each command with its line in `ranit --help`; the module of that name in this package defines it.
_COMMANDS = {
    "extract": "Find entities in texts, files or standard input.",
    "store": "Keep examples of annotated text, a store for each domain.",
    "eval": "Measure strategies, judges, stores and models on annotated texts.",
    "serve": "Serve extraction and the stores over HTTP, with a web page.",
    "demo": "Find entities in a few built-in texts.",
}


@cache
def _mounted() -> dict[str, EntryPoint]:
    """The commands of other packages: their entry points in the group ``ranit.commands``, by name."""
    return {entry.name: entry for entry in entry_points(group="ranit.commands") if entry.name not in _COMMANDS}


def _line(entry: EntryPoint) -> str:
    """A mounted command's line in ``ranit --help``, which one that cannot be loaded must not break."""
    try:
        line: str = entry.load().get_short_help_str(limit=80)
    except Exception as error:
        return f"(cannot be loaded: {error})"
    return line


class LazyGroup(click.Group):
    """Commands are known by name alone until one is called, so that ``ranit --help`` loads nothing heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*_COMMANDS, *_mounted()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        command: click.Command | None = None
        if cmd_name in _COMMANDS:
            command = getattr(importlib.import_module(f"ranit_rag.cli.{cmd_name}"), cmd_name)
        elif cmd_name in _mounted():
            command = _mounted()[cmd_name].load()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items(), *((name, _line(entry)) for name, entry in _mounted().items())])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # The reader has left. What is still buffered goes nowhere, lest the interpreter complains at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(141)
        except Exception as error:
            tell_error(error)
            ctx.exit(exit_code(error))
        return result


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ranit_rag.__version__, prog_name="ranit")
def cli() -> None:
    """Find named entities of any type in English and Chinese text.

    Data goes to standard output, everything else to standard error. The exit code is 0 when all went well, 1 when the
    work or a part of it failed, and 2 when what was given is wrong.
    """


def main() -> None:
    """Run ``ranit``; the console script."""
    cli.main(prog_name="ranit")
