"""The examples run as they stand, with the embedded model."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ranit_rag import Ranit
from ranit_rag.engines.transformers import TransformersEngine

EXAMPLES = Path(__file__).resolve().parents[3] / "connectors" / "examples"


def main_of(name: str) -> Callable[[Ranit], Any]:
    return runpy.run_path(str(EXAMPLES / f"llama_index_{name}.py"))["main"]  # type: ignore[no-any-return]


def test_ingestion(nano: TransformersEngine, capsys: pytest.CaptureFixture[str]) -> None:
    main_of("ingestion")(Ranit(nano))
    said = capsys.readouterr().out
    assert "by the filter: Marie Curie left Warsaw for Paris in 1891." in said
    assert "by the graph: Marie Curie left Warsaw for Paris in 1891. MENTIONS Paris [28]" in said
    assert "by the filter: Ada" not in said


async def test_workflow(nano: TransformersEngine, capsys: pytest.CaptureFixture[str]) -> None:
    await main_of("workflow")(Ranit(nano))
    said = capsys.readouterr().out
    assert said.count("NoExamplesEvent: examples are never shown") == 2
    assert "Ada Lovelace (person) 0:12" in said


async def test_agent(nano: TransformersEngine, capsys: pytest.CaptureFixture[str]) -> None:
    await main_of("agent")(Ranit(nano))
    assert capsys.readouterr().out.endswith("The note names Marie Curie and Pierre Curie.\n")
