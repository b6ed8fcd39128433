"""Help on a terminal of 80 columns: a command's line is whole and its own, and no other line is wider."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from ranit_rag.cli.main import cli

Names = tuple[str, ...]


def groups(group: click.Group = cli, names: Names = ()) -> Iterator[Names]:
    """The names that lead to each group of commands."""
    yield names
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from groups(command, (*names, name))


def help_of(names: Names) -> str:
    return CliRunner().invoke(cli, [*names, "--help"], terminal_width=80).output


@pytest.mark.parametrize("names", list(groups()), ids=lambda names: " ".join(("ranit", *names)))
def test_every_command_has_a_line_of_its_own_that_is_not_cut_off(names: Names) -> None:
    shown = help_of(names)
    listed = shown.partition("Commands:\n")[2].splitlines()
    assert listed
    for line in listed:
        assert line[2] != " ", f"{line.strip()!r} is the rest of a line that was too long"
        assert not line.endswith("..."), line


def test_what_is_not_an_example_fits_the_terminal() -> None:
    for names in (*groups(), ("extract",), ("train",), ("eval", "run"), ("store", "import")):
        for line in help_of(names).splitlines():
            assert len(line) <= 80 or line.lstrip().startswith("ranit "), line
