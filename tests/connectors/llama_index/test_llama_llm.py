"""An engine behind LlamaIndex's interface of language models."""

from __future__ import annotations

import pytest
from engines.faulty_server import FaultyServer
from llama_index.core.base.llms.types import ImageBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.prompts import PromptTemplate

from llama_index_ranit import RanitLLM
from ranit_rag.engines.openai import OpenAIEngine
from ranit_rag.errors import InputError, ServerError
from ranit_rag.testing import ScriptedEngine

MESSAGES = [
    ChatMessage(role="system", content="You are brief."),
    ChatMessage(role="user", content="Hello."),
    ChatMessage(role="assistant", content="Yes?"),
    ChatMessage(role="user", content="What is aspirin?"),
]


@pytest.fixture
def llm() -> RanitLLM:
    """Over an engine that writes an empty list to everything."""
    return RanitLLM(ScriptedEngine({}, context=2048), max_tokens=20)


async def test_all_ways_to_ask_give_the_same_answer(llm: RanitLLM) -> None:
    answers = [
        llm.complete("What is aspirin?").text,
        (await llm.acomplete("What is aspirin?")).text,
        [piece async for piece in await llm.astream_complete("What is aspirin?")][-1].text,
        list(llm.stream_complete("What is aspirin?"))[-1].text,
        llm.chat(MESSAGES).message.content,
        (await llm.achat(MESSAGES)).message.content,
        list(llm.stream_chat(MESSAGES))[-1].message.content,
        [piece async for piece in await llm.astream_chat(MESSAGES)][-1].message.content,
    ]
    assert answers == ["[]"] * 8
    assert "".join(piece.delta or "" for piece in llm.stream_complete("What is aspirin?")) == "[]"
    assert llm.predict(PromptTemplate("What is {it}?"), it="aspirin") == "[]"


def test_turns_reach_the_engine_as_they_are(llm: RanitLLM) -> None:
    llm.chat(MESSAGES)
    (conversation,) = llm._engine.conversations  # type: ignore[attr-defined]
    assert [(turn.role, turn.content) for turn in conversation.messages(conversation.queries[0])] == [
        ("system", "You are brief."),
        ("user", "Hello."),
        ("assistant", "Yes?"),
        ("user", "What is aspirin?"),
    ]


def test_it_says_what_the_model_is_and_what_an_answer_cost(llm: RanitLLM) -> None:
    assert (llm.metadata.context_window, llm.metadata.num_output, llm.metadata.model_name) == (2048, 20, "script")
    response = llm.complete("What is aspirin?")
    assert response.raw["finish_reason"] == "stop"
    assert response.raw["usage"]["output_tokens"] == 2
    assert "".join(token.token for (token,) in response.logprobs or []) == "[]"
    assert llm.complete("What is aspirin?", max_tokens=1).raw["finish_reason"] == "length"


def test_llama_index_counts_the_tokens_that_the_engine_counted() -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = RanitLLM(ScriptedEngine({}), callback_manager=CallbackManager([counter]))
    prompt = llm.chat(MESSAGES).raw["usage"]["prompt_tokens"]
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (prompt, 2)


async def test_a_server_is_asked_like_any_other() -> None:
    with FaultyServer(answer=lambda request: f"{len(request['messages'])} turns") as server:
        llm = RanitLLM(OpenAIEngine("nano", base_url=server.url), max_tokens=33)
        assert (await llm.achat(MESSAGES)).message.content == "4 turns"
        assert llm.complete("What?").text == "1 turns"
        assert {request["max_tokens"] for request in server.log} == {33}
        assert not any("response_format" in request for request in server.log)  # free text, no list of mentions


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "the last of 0 messages"),
        (MESSAGES[:3], "the last of 3 messages is not the user's"),
        ([ChatMessage(role=MessageRole.TOOL, content="42")], "knows no role 'tool'"),
        ([ChatMessage(role="user", blocks=[ImageBlock(url="http://localhost/a.png")])], "reads text, not a ImageBlock"),
    ],
)
def test_what_it_cannot_read_is_refused(llm: RanitLLM, messages: list[ChatMessage], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        llm.chat(messages)


def test_an_option_that_would_be_ignored_is_refused(llm: RanitLLM) -> None:
    with pytest.raises(InputError, match="does not know temperature"):
        llm.complete("What?", temperature=1.0)


async def test_an_engine_that_fails_is_heard() -> None:
    llm = RanitLLM(OpenAIEngine("nano", base_url="http://127.0.0.1:9/v1", retries=0))
    with pytest.raises(ServerError):
        await llm.acomplete("What?")
