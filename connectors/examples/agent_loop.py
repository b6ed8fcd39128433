"""An agent that uses RANIT as its tool: the model asks, reads the entities, asks again, and answers.

A scripted model stands where yours would (``create_agent("openai:gpt-…", [tool])``), so that it runs without a key.

Run it: pip install 'ranit-rag[langchain]' langchain && python connectors/examples/agent_loop.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_ranit import RanitTool
from ranit_rag import Ranit

LETTER = "Ada Lovelace wrote to Charles Babbage from London."


class ScriptedModel(BaseChatModel):
    """Asks for one kind of entity after the other, as a model would, and answers from what the tool returned."""

    kinds: Sequence[str] = ("person", "city")

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:  # noqa: ARG002 — its script knows the tool
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        read = [message for message in messages if isinstance(message, ToolMessage)]
        if len(read) < len(self.kinds):
            arguments = {"text": LETTER, "types": [self.kinds[len(read)]]}
            call = {"name": "find_entities", "args": arguments, "id": f"call-{len(read)}"}
            return _said(AIMessage("", tool_calls=[call]))
        return _said(AIMessage("\n".join(self._lines(read))))

    def _lines(self, read: Sequence[ToolMessage]) -> Iterator[str]:
        for kind, message in zip(self.kinds, read, strict=True):
            mentions = [entity["text"] for entity in json.loads(str(message.content))["entities"]]
            yield f"{kind}: {', '.join(mentions) or 'none'}"


def _said(message: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])


def main() -> None:
    agent = create_agent(ScriptedModel(), [RanitTool(ner=Ranit())])
    for step in agent.stream({"messages": [("human", f"Which people and cities? {LETTER}")]}, stream_mode="updates"):
        for node, update in step.items():
            for message in update["messages"]:
                print(f"{node}: {message.tool_calls or message.text}" if node == "model" else f"{node}: {message.text}")


if __name__ == "__main__":
    main()
