"""``ranit extract --input``: a corpus into a folder, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ranit_rag import pipeline
from ranit_rag.cli.main import cli
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine


class Command:
    """``ranit extract`` with a scripted engine, which can be mended."""

    def __init__(self) -> None:
        refused = ServerError("the server hung up")
        self.engine = ScriptedEngine({("unlucky", "drug"): refused, ("Aspirin", "drug"): ["Aspirin"]})

    def __call__(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["extract", *arguments], prog_name="ranit")
        return result.exit_code, result.stderr


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    command = Command()
    real = pipeline.Ranit
    monkeypatch.setattr(pipeline, "Ranit", lambda settings: real(command.engine, settings=settings))
    monkeypatch.chdir(tmp_path)
    Path("notes").mkdir()
    Path("notes/a.csv").write_text("body,id\nAspirin helps,1\nunlucky,2\n")
    Path("notes/b.txt").write_text("nothing here")
    Path("notes/c.png").write_bytes(b"\x89PNG")
    return command


def test_a_corpus_and_its_summary(command: Command) -> None:
    code, told = command("-i", "notes", "-o", "out", "--text-column", "body", "-t", "drug", "--price-prompt", "1")
    assert code == 1
    assert "3 records, 3 asked" in told
    assert "entities: drug 1" in told
    assert "cost" in told
    assert "skipped 1 files of unknown form, such as notes/c.png" in told
    assert "1 of 3 records failed" in told
    lines = Path("out/part-00000.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["1", "notes/b.txt"]
    assert json.loads(Path("out/summary.json").read_bytes())["skipped_files"] == ["notes/c.png"]


def test_failures_are_asked_again_on_request_alone(command: Command) -> None:
    arguments = ("-i", "notes", "-o", "out", "--text-column", "body", "-t", "drug")
    command(*arguments)
    command.engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]})
    assert command(*arguments)[0] == 1
    assert not command.engine.conversations
    assert command(*arguments, "--retry-failed")[0] == 0
    assert [each.source for each in command.engine.conversations] == ["unlucky"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-i", "notes"),
        ("-i", "notes", "-o", "out", "a text"),
        ("-i", "notes", "-o", "out", "--dry-run"),
        ("a text", "--retry-failed"),
        ("a text", "--no-resume"),
        ("-i", "missing", "-o", "out"),
        ("a text", "-o", "notes"),
    ],
)
def test_what_cannot_go_together_is_refused(command: Command, arguments: tuple[str, ...]) -> None:
    assert command(*arguments, "-t", "drug")[0] == 2
    assert not Path("out").exists()


def test_the_output_may_not_lie_in_the_input(command: Command) -> None:
    arguments = ("-i", "notes", "-o", "notes/out", "--text-column", "body", "-t", "drug")
    command(*arguments)
    code, told = command(*arguments)
    assert code == 2
    assert "output of the run itself" in told
