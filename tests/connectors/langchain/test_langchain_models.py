"""Models over an engine: what they cost, where they stop, and what they cannot read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_ranit import ChatRanit, RanitLLM
from ranit_rag import Answer, Conversation, Reply, Usage
from ranit_rag.engines.base import EngineInfo, Token
from ranit_rag.errors import InputError, ServerError


class Echo:
    """Answers each prompt with itself, a word a token, or with an error; remembers what it was asked."""

    info = EngineInfo("echo", "echo-1", 1000)

    def __init__(self, error: ServerError | None = None) -> None:
        self.asked: list[Conversation] = []
        self.limits: list[int] = []
        self._error = error

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        self.asked += conversations
        self.limits.append(max_tokens)
        return [self._reply(conversation.queries[0].content) for conversation in conversations]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return self.generate(conversations, max_tokens=max_tokens)

    def _reply(self, prompt: str) -> Reply:
        if self._error is not None:
            return Reply(error=self._error)
        return Reply((Answer(prompt, (Token(prompt, -0.5),)),), Usage(10, 4, len(prompt.split()), 1))


async def test_messages_become_a_conversation_and_the_answer_tells_its_cost() -> None:
    echo = Echo()
    model = ChatRanit(engine=echo)
    messages = [SystemMessage("be brief"), HumanMessage("hi"), AIMessage("hello"), HumanMessage("one two three")]
    for answer in (model.invoke(messages), await model.ainvoke(messages)):
        assert answer.content == "one two three"
        assert answer.usage_metadata == {
            "input_tokens": 10,
            "output_tokens": 3,
            "total_tokens": 13,
            "input_token_details": {"cache_read": 4},
        }
        assert answer.response_metadata["model_name"] == "echo-1"
        assert answer.response_metadata["logprobs"] == {"content": [{"token": "one two three", "logprob": -0.5}]}
    turns = [(turn.role, turn.content) for turn in echo.asked[0].messages(echo.asked[0].queries[0])]
    assert turns == [("system", "be brief"), ("user", "hi"), ("assistant", "hello"), ("user", "one two three")]


def test_prompts_of_a_batch_are_asked_together() -> None:
    echo = Echo()
    result = RanitLLM(engine=echo).generate(["one", "one two"])
    assert [generation[0].text for generation in result.generations] == ["one", "one two"]
    assert result.llm_output is not None
    assert result.llm_output["token_usage"]["output_tokens"] == 3
    assert len(echo.limits) == 1


async def test_an_answer_ends_at_the_first_stop_string() -> None:
    for model in (ChatRanit(engine=Echo(), stop=["two"]), RanitLLM(engine=Echo(), stop=["two"])):
        assert text(model.invoke("one two three")) == "one "
        assert text(model.invoke("one two three", stop=["three", "one t"])) == ""
        assert text(await model.ainvoke("one two three")) == "one "


def test_the_longest_answer_is_the_models_or_the_calls() -> None:
    echo = Echo()
    ChatRanit(engine=echo, max_tokens=7).invoke("hi")
    RanitLLM(engine=echo).bind(max_tokens=9).invoke("hi")
    assert echo.limits == [7, 9]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([ToolMessage("x", tool_call_id="1"), HumanMessage("hi")], "cannot read the tool message"),
        ([HumanMessage([{"type": "image", "url": "http://127.0.0.1/a.png"}])], "cannot read the human message"),
        ([HumanMessage("hi"), AIMessage("hello")], "the last message is not a human one"),
    ],
)
def test_what_an_engine_cannot_read_is_refused_and_not_dropped(messages: list[Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        ChatRanit(engine=Echo()).invoke(messages)


def test_what_an_engine_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature"):
        ChatRanit(engine=Echo(), temperature=0.7)
    with pytest.raises(InputError, match="takes no model, top_p"):
        RanitLLM(engine=Echo()).invoke("hi", top_p=0.5, model="other")


async def test_an_engines_error_is_raised() -> None:
    for model in (ChatRanit(engine=Echo(ServerError("down"))), RanitLLM(engine=Echo(ServerError("down")))):
        with pytest.raises(ServerError, match="down"):
            await model.ainvoke("hi")


def text(answer: AIMessage | str) -> str:
    return answer if isinstance(answer, str) else answer.text
