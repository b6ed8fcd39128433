"""One YAML file for a whole run: a section for each command, whose keys are the command's flags."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ranit_rag.errors import InputError
from ranit_rag.extras import require

Command = TypeVar("Command", bound=Callable[..., Any])

_SECTION_HINT = "write '{name}:' with indented 'flag: value' lines"
SECTIONS = ("annotate", "conversations", "augment", "benchmark", "train", "merge")


def run_file_option(command: Command) -> Command:
    """``--config run.yaml``: flags that are not given are taken from the section of the command's name."""
    option = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_take_section,
        help="A YAML file with a section for each command; its keys are the flags.",
    )
    return option(command)


def _take_section(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is not None:
        section = read_section(path, context.info_name or "")
        context.default_map = {**(context.default_map or {}), **_by_parameter(section, context, path)}


def read_section(path: Path, name: str) -> dict[str, Any]:
    """The section ``name`` of a run file, empty where it has none. Raises InputError, also for a section of no command:
    what is misspelled would be left out in silence."""
    yaml = require("yaml", extra="train")
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {error}", hint="a section is 'annotate:', its keys are flags") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no sections of keys", hint=_SECTION_HINT.format(name=name))
    for section in content:
        if section not in SECTIONS:
            near = difflib.get_close_matches(str(section), SECTIONS, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"{path} has a section {str(section)!r}, which no command reads",
                hint=f"{meant}sections are {', '.join(SECTIONS)}",
            )
    section = content.get(name) or {}
    if not isinstance(section, dict):
        raise InputError(f"{path}: {name} holds no keys", hint=_SECTION_HINT.format(name=name))
    return section


def _by_parameter(section: dict[str, Any], context: click.Context, path: Path) -> dict[str, Any]:
    """The section by the names that click has for its keys; ``pool-size`` and ``pool_size`` are the same."""
    command = context.command
    names: dict[str, str] = {}
    for parameter in command.params:
        spellings = [option.lstrip("-") for option in parameter.opts] if isinstance(parameter, click.Option) else []
        for spelling in [parameter.name or "", *spellings]:
            names[spelling.replace("_", "-")] = parameter.name or ""
    found = {}
    for key, value in section.items():
        spelled = str(key).replace("_", "-")
        if spelled not in names:
            near = difflib.get_close_matches(spelled, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"{path}: {command.name} has no flag {str(key)!r}", hint=f"{meant}see {context.command_path} --help"
            )
        found[names[spelled]] = value
    return found
