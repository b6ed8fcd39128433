"""Commands of other packages: listed and run like ranit's own, loading nothing before they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner

from ranit_rag.cli import main

HEAVY = {"mcp", "torch", "transformers", "chromadb", "numpy", "openai", "pydantic", "spacy", "langchain_core"}


@click.command()
def hello() -> None:
    """Say hello."""
    click.echo("hello")


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = [
        EntryPoint("hello", f"{__name__}:hello", "ranit.commands"),
        EntryPoint("broken", "no_such_module:command", "ranit.commands"),
        EntryPoint("extract", f"{__name__}:hello", "ranit.commands"),
    ]
    monkeypatch.setattr(main, "entry_points", lambda group: entries)
    main._mounted.cache_clear()
    yield
    main._mounted.cache_clear()


@pytest.mark.usefixtures("mounted")
def test_a_mounted_command_is_listed_and_runs_and_a_broken_one_breaks_no_other() -> None:
    shown = CliRunner().invoke(main.cli, ["--help"]).output
    assert "hello Say hello." in " ".join(shown.split())
    assert "(cannot be loaded: No module named 'no_such_module')" in " ".join(shown.split())
    assert CliRunner().invoke(main.cli, ["hello"]).output == "hello\n"


@pytest.mark.usefixtures("mounted")
def test_no_other_package_takes_the_place_of_a_command() -> None:
    assert "Find entities in TEXT" in CliRunner().invoke(main.cli, ["extract", "--help"]).output


@pytest.mark.parametrize("arguments", [["--help"], ["mcp", "--help"]])
def test_help_of_mounted_commands_loads_no_framework(arguments: list[str]) -> None:
    code = f"""
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps(list(sys.modules))))
from ranit_rag.cli.main import main
sys.argv[1:] = {arguments!r}
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(json.loads(done.stderr))
    assert "ranit_mcp.command" in loaded
    assert not HEAVY & loaded
