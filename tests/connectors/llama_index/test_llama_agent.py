"""The tool in the hands of an agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
from llama_index.core.llms import MessageRole
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.workflow import Context
from scripted_medicine import IN_DOMAIN, TYPES

from llama_index_ranit import RanitToolSpec
from ranit_rag import Ranit
from ranit_rag.errors import InputError


def scripted(messages: Sequence[ChatMessage], **kwargs: Any) -> ChatMessage:
    """Asks the tool at first without types; told what is wrong, with types; then answers with what it read."""
    results = [message for message in messages if message.role == MessageRole.TOOL]
    if len(results) < 2:
        arguments: dict[str, Any] = {"text": IN_DOMAIN if results else "somebody walked a dog"}
        if results:
            assert "name the types" in str(results[-1].content)
            arguments["types"] = TYPES
        call = ToolCallBlock(tool_call_id=str(len(results)), tool_name="find_entities", tool_kwargs=arguments)
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])
    found = json.loads(str(results[-1].content))["entities"]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=", ".join(each["text"] for each in found))])


async def test_an_agent_corrects_itself_by_the_hint_and_answers_with_the_entities(medicine: Ranit) -> None:
    llm = MockFunctionCallingLLM(response_generator=scripted, is_chat_model=True)
    agent = FunctionAgent(llm=llm, tools=RanitToolSpec(medicine).to_tool_list(), streaming=False)
    context = Context(agent)
    handler = agent.run("Which drug was given?", ctx=context)
    results = [event.tool_output async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
    assert [result.is_error for result in results] == [True, False]
    assert str(await handler) == "aspirin, fever, cough"
    assert results[1].raw_output == {
        **medicine.extract(IN_DOMAIN, TYPES).to_dict(),
        "usage": results[1].raw_output["usage"],
    }
    json.dumps(context.to_dict())  # a run can be stored


async def test_what_the_agent_reads_is_short_and_what_the_program_reads_is_all(medicine: Ranit) -> None:
    (tool,) = RanitToolSpec(medicine).to_tool_list()
    output = await tool.acall(text=IN_DOMAIN, types=TYPES)
    read = json.loads(output.content)
    assert read["entities"] == output.raw_output["entities"]
    assert read["examples_shown"] == output.raw_output["decisions"][0]["reason"]
    assert "usage" not in read
    assert tool.call(text=IN_DOMAIN, types=TYPES).content == output.content


def test_the_schema_tells_an_agent_what_to_give(medicine: Ranit) -> None:
    (tool,) = RanitToolSpec(medicine).to_tool_list()
    assert tool.metadata.name == "find_entities"
    assert "every mention" in tool.metadata.description
    schema = tool.metadata.get_parameters_dict()
    assert schema["required"] == ["text"]
    assert schema["properties"]["types"]["anyOf"][0] == {"items": {"type": "string"}, "type": "array"}
    assert "Names of the types" in schema["properties"]["types"]["description"]


def test_what_was_dropped_is_told() -> None:
    from ranit_rag.testing import ScriptedEngine

    ner = Ranit(ScriptedEngine({("", "drug"): ["ibuprofen"]}), judge="never", profile="uniner.v1")
    read = json.loads(RanitToolSpec(ner).to_tool_list()[0].call(text=IN_DOMAIN, types=["drug"]).content)
    assert read["dropped"] == [{"text": "ibuprofen", "label": "drug", "reason": "ungrounded"}]


def test_errors_keep_their_kind(medicine: Ranit) -> None:
    with pytest.raises(InputError, match=r"text is empty \(give a text"):
        RanitToolSpec(medicine).find_entities(" ")
