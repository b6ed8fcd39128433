"""An agent that finds entities with the tool, reads them, and answers.

A script stands in for the agent's language model, so that the example needs no key; put any function-calling LLM of
LlamaIndex in its place. Run it with ``python connectors/examples/llama_index_agent.py``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import TextBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.llms.mock import MockFunctionCallingLLM

from llama_index_ranit import RanitToolSpec
from ranit_rag import Ranit

NOTE = "Marie Curie was born in Warsaw. She met Pierre Curie in Paris."


def script(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
    """What a model would do: ask the tool for persons, then name those that it found."""
    if messages[-1].role != MessageRole.TOOL:
        arguments = {"text": NOTE, "types": ["person"]}
        call = ToolCallBlock(tool_call_id="1", tool_name="find_entities", tool_kwargs=arguments)
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])
    found = json.loads(messages[-1].content or "")["entities"]
    answer = "The note names " + " and ".join(entity["text"] for entity in found) + "."
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=answer)])


async def main(ner: Ranit) -> None:
    llm = MockFunctionCallingLLM(response_generator=script, is_chat_model=True)
    agent = FunctionAgent(llm=llm, tools=RanitToolSpec(ner).to_tool_list(), streaming=False)
    handler = agent.run(f"Who is named in this note? {NOTE}")
    async for event in handler.stream_events():
        if isinstance(event, ToolCallResult):
            print("the tool found", event.tool_output.content)
    print(await handler)


if __name__ == "__main__":
    asyncio.run(main(Ranit()))
