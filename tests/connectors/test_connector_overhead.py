"""A connector costs next to nothing over Ranit itself, needs no other framework, and says what is missing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from timing import slowness

from ranit_rag import Ranit
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine."
TYPES = ["drug"]
CALLS = 60
Call = Callable[[], Any]


def langchain_tool(ner: Ranit) -> Call:
    from langchain_ranit import RanitTool

    tool = RanitTool(ner=ner)
    call = {"name": "find_entities", "id": "1", "type": "tool_call", "args": {"text": TEXT, "types": TYPES}}
    return lambda: tool.invoke(call)


def langchain_runnable(ner: Ranit) -> Call:
    from langchain_ranit import RanitExtractor

    extractor = RanitExtractor(ner, TYPES)
    return lambda: extractor.invoke(TEXT)


def spacy_pipe(ner: Ranit) -> Call:
    import spacy

    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("ranit", config={"types": TYPES})
    pipe.ner = ner
    return lambda: nlp(TEXT)


@pytest.mark.timing
@pytest.mark.parametrize("connector", [langchain_tool, langchain_runnable, spacy_pipe])
def test_a_call_costs_two_milliseconds_more_at_most(connector: Callable[[Ranit], Call]) -> None:
    ner = Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}))
    through = connector(ner)
    through()
    direct, connected = [], []
    for _ in range(CALLS):
        direct.append(_seconds(lambda: ner.extract(TEXT, TYPES).to_dict()))
        connected.append(_seconds(through))
    overhead = min(connected) - min(direct)  # what others do on the machine only ever adds
    print(f"{connector.__name__}: {1000 * overhead:.2f} ms")
    assert overhead <= 0.002 * slowness()


@pytest.mark.timing
async def test_a_call_over_mcp_costs_two_milliseconds_more_at_most() -> None:
    """Without a process or a network between them: what the server itself adds."""
    from mcp import Client

    from ranit_mcp import create_server

    ner = Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}))
    direct, connected = [], []
    async with Client(create_server(ner)) as client:
        for _ in range(CALLS):
            started = time.perf_counter()
            await ner.aextract(TEXT, TYPES)
            direct.append(time.perf_counter() - started)
            started = time.perf_counter()
            await client.call_tool("extract", {"text": TEXT, "types": TYPES})
            connected.append(time.perf_counter() - started)
    overhead = min(connected) - min(direct)  # what others do on the machine only ever adds
    print(f"mcp: {1000 * overhead:.2f} ms")
    assert overhead <= 0.002 * slowness()


def _seconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


FRAMEWORKS = {"langchain_ranit": "langchain_core", "spacy_ranit": "spacy", "ranit_mcp": "mcp"}
FOREIGN = ["langchain_core", "langgraph", "llama_index", "spacy", "mcp"]
EXTRAS = {"langchain_ranit": "langchain", "spacy_ranit": "spacy", "ranit_mcp": "mcp"}
USE = {"ranit_mcp": "from ranit_mcp import create_server"}


def _run(package: str, hidden: list[str]) -> subprocess.CompletedProcess[str]:
    """Import a connector where some frameworks are not installed, as far as Python can tell."""
    code = f"""
import importlib.abc, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
{USE.get(package, f"import {package}")}
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("package", FRAMEWORKS)
def test_a_connector_needs_no_framework_but_its_own(package: str) -> None:
    done = _run(package, [name for name in FOREIGN if name != FRAMEWORKS[package]])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", FRAMEWORKS)
def test_a_missing_extra_says_which_to_install(package: str) -> None:
    done = _run(package, [FRAMEWORKS[package]])
    assert done.returncode == 1
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert error == f"ranit_rag.errors.MissingExtraError: {FRAMEWORKS[package]} is not installed"
    assert hint == f"hint: pip install 'ranit-rag[{EXTRAS[package]}]'"


def test_the_command_without_its_extra_says_which_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from ranit_rag.cli.main import main; sys.argv[1:] = ['mcp']; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "error: mcp is not installed" in done.stderr
    assert "hint: pip install 'ranit-rag[mcp]'" in done.stderr
