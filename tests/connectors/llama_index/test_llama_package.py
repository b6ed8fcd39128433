"""The package as it is installed: what it needs, what it does not, and what it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from llama_index.core.schema import TextNode
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from timing import slowness

from llama_index_ranit import NerWorkflow, RanitEntityExtractor, RanitToolSpec
from ranit_rag import Ranit
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine."
TYPES = ["drug", "disease"]

WITHOUT = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Absent())
"""


def run_without(absent: set[str], program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_needs_no_langchain() -> None:
    absent = {"langchain", "langchain_core", "langgraph", "langsmith"}
    run_without(absent, "from llama_index_ranit import *; assert NerWorkflow and RanitRetriever and RanitLLM")


def test_without_llama_index_it_says_what_to_install() -> None:
    program = """
import llama_index_ranit
from ranit_rag.errors import MissingExtraError
try:
    from llama_index_ranit import RanitRetriever
except MissingExtraError as error:
    print(error, error.hint)
"""
    said = run_without({"llama_index", "workflows"}, program)
    assert "llama_index is not installed" in said
    assert "pip install 'ranit-rag[llama-index]'" in said


def test_naming_the_package_loads_nothing() -> None:
    run_without(set(), "import llama_index_ranit; assert not {'llama_index', 'torch', 'chromadb'} & sys.modules.keys()")


def test_query_pipelines_on_a_newer_version_say_what_replaces_them() -> None:
    program = """
try:
    import llama_index_ranit.query_pipeline
except Exception as error:
    print(type(error).__name__, error, error.hint)
"""
    said = run_without(set(), program)
    assert "MissingExtraError" in said
    assert "NerWorkflow" in said


def by_extractor(ner: Ranit) -> Callable[[], object]:
    extractor = RanitEntityExtractor(TYPES, ner=ner, show_progress=False)
    return lambda: extractor([TextNode(text=TEXT)])


def by_tool(ner: Ranit) -> Callable[[], object]:
    (tool,) = RanitToolSpec(ner).to_tool_list()
    return lambda: tool.call(text=TEXT, types=TYPES)


def by_workflow(ner: Ranit) -> Callable[[], object]:
    return _run(NerWorkflow(ner), text=TEXT, types=TYPES)


class PassedEvent(Event):
    """What the first step of a workflow that does nothing hands to the second."""


class IdleWorkflow(Workflow):
    """As many steps and events as ``NerWorkflow`` has: what the framework itself takes."""

    @step
    async def first(self, ev: StartEvent) -> list[PassedEvent]:
        return [PassedEvent()]

    @step
    async def last(self, ctx: Context, passed: list[PassedEvent]) -> StopEvent:
        for event in passed:
            ctx.write_event_to_stream(event)
        return StopEvent(result=None)


def _run(workflow: Workflow, **given: object) -> Callable[[], object]:
    loop = asyncio.new_event_loop()

    async def run() -> object:
        return await workflow.run(**given)

    return lambda: loop.run_until_complete(run())


@pytest.mark.timing
@pytest.mark.parametrize("connector", [by_extractor, by_tool, by_workflow])
def test_a_call_costs_at_most_two_milliseconds_more_than_extract(connector: Callable[[Ranit], object]) -> None:
    """Best of many, in turns: what others do on the machine only ever adds. What LlamaIndex takes is not counted."""
    ner = Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}), judge="never", profile="uniner.v1")
    call = connector(ner)
    plain = lambda: ner.extract(TEXT, TYPES)  # noqa: E731
    idle = _run(IdleWorkflow()) if connector is by_workflow else lambda: None
    fastest = {each: float("inf") for each in (plain, idle, call)}
    for _ in range(200):
        for each in fastest:
            started = time.perf_counter()
            each()
            fastest[each] = min(fastest[each], time.perf_counter() - started)
    overhead = fastest[call] - fastest[idle] - fastest[plain]
    print(connector.__name__, round(1000 * overhead, 2), "ms, and LlamaIndex", round(1000 * fastest[idle], 2), "ms")
    assert overhead <= 0.002 * slowness()
