"""What the tests of the command line share: ``run`` calls it in this process, with a scripted engine behind it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ranit_rag.cli.main import cli
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine

Run = Callable[..., Result]


@pytest.fixture
def engine() -> ScriptedEngine:
    """Knows Aspirin, migraine and 北京; fails on every text that holds "unlucky"."""
    refused = ServerError("the server hung up", hint="start it again")
    return ScriptedEngine(
        {
            ("unlucky", "drug"): refused,
            ("Aspirin", "drug"): ["Aspirin"],
            ("migraine", "disease"): ["migraine"],
            ("北京", "地名"): ["北京"],
        }
    )


@pytest.fixture
def run(engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run ``ranit`` with arguments, in an empty directory, as if on a pipe."""
    from ranit_rag import pipeline

    real = pipeline.Ranit
    # A module that is imported while this holds keeps it: so it takes whatever Ranit takes.
    monkeypatch.setattr(pipeline, "Ranit", lambda given=engine, **options: real(given, **options))
    monkeypatch.chdir(tmp_path)
    for variable in [*os.environ]:
        if variable.startswith("RANIT_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("RANIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RANIT_JUDGE", "never")

    def call(*arguments: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=input, prog_name="ranit")

    yield call
    logging.getLogger("ranit_rag").handlers.clear()  # it writes to the standard error of a run that is over
