"""The tool beyond the standard tests: what the model reads, what the program gets, and how an agent uses it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_ranit import RanitTool
from ranit_rag import Ranit
from ranit_rag.errors import ServerError
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine."
CALL = {"name": "find_entities", "id": "1", "type": "tool_call", "args": {"text": TEXT, "types": ["drug"]}}


@pytest.fixture
def tool() -> RanitTool:
    return RanitTool(ner=Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]})))


def called(**arguments: Any) -> dict[str, Any]:
    return {**CALL, "args": arguments}


async def test_the_model_reads_the_entities_and_the_program_gets_the_contract(
    tool: RanitTool, contract: dict[str, Any]
) -> None:
    for message in (tool.invoke(CALL), await tool.ainvoke(CALL)):
        assert json.loads(message.content) == {
            "entities": [{"text": "Aspirin", "label": "drug", "start": 0, "end": 7, "score": 0.9}]
        }
        jsonschema.validate(message.artifact, contract)
        assert message.artifact["text"] == TEXT


def test_chinese_stays_readable(tool: RanitTool) -> None:
    tool.ner = Ranit(ScriptedEngine({("阿司匹林", "药物"): ["阿司匹林"]}))
    assert "阿司匹林" in tool.invoke(called(text="他吃了阿司匹林。", types=["药物"])).content


def test_the_schema_teaches_a_model_what_to_give(tool: RanitTool) -> None:
    function = convert_to_openai_tool(tool)["function"]
    assert function["parameters"]["required"] == ["text"]
    assert set(function["parameters"]["properties"]) == {"text", "types"}
    for field in function["parameters"]["properties"].values():
        assert field["description"]
    assert "whole and unchanged" in function["description"]


def test_types_of_the_tool_are_asked_for_where_the_model_names_none(tool: RanitTool) -> None:
    tool.types = {"drug": "a medicine"}
    assert "Aspirin" in tool.invoke(called(text=TEXT)).content


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"text": " ", "types": ["drug"]}, "the text is empty: give a text"),
        ({"text": TEXT, "types": [""]}, "a type needs a name"),
        ({"text": TEXT, "types": "drug"}, "The arguments are wrong"),
        ({"types": ["drug"]}, "The arguments are wrong"),
    ],
)
async def test_a_model_reads_what_was_wrong_with_its_call(
    tool: RanitTool, arguments: dict[str, Any], remedy: str
) -> None:
    for message in (tool.invoke(called(**arguments)), await tool.ainvoke(called(**arguments))):
        assert message.status == "error"
        assert remedy in message.content


async def test_a_failure_can_be_raised_instead() -> None:
    error = ServerError("nobody answers", hint="start the server")
    tool = RanitTool(ner=Ranit(ScriptedEngine({("Aspirin", "drug"): error})), handle_tool_error=False)
    with pytest.raises(ToolException, match="nobody answers: start the server"):
        await tool.ainvoke(CALL)


def test_an_agent_calls_the_tool_and_answers_from_what_it_reads(tool: RanitTool) -> None:
    wrong = AIMessage("", tool_calls=[{**CALL, "id": "1", "args": {"text": TEXT, "types": [""]}}])
    right = AIMessage("", tool_calls=[{**CALL, "id": "2"}])

    class Scripted(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self

    model = Scripted(messages=iter([wrong, right, AIMessage("One drug: Aspirin.")]))
    agent = create_agent(model, [tool])
    messages = agent.invoke({"messages": [HumanMessage(f"Which drugs? {TEXT}")]})["messages"]
    read = [message for message in messages if isinstance(message, ToolMessage)]
    assert [message.status for message in read] == ["error", "success"]
    assert read[1].artifact["entities"][0]["text"] == "Aspirin"
    assert messages[-1].content == "One drug: Aspirin."
