"""The engine as a LangChain model: the same weights, server and connection pool for prompts of your own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation, LLMResult
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from ranit_rag import Answer, Conversation, Engine, Message, Query, Reply, Settings, Usage, open_engine
from ranit_rag.errors import InputError

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {"system": "system", "human": "user", "ai": "assistant"}


class _OverEngine(BaseModel):
    """What both models are told. The engine answers at temperature 0, so any other is refused."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: SkipValidation[Engine] = Field(
        default_factory=lambda: open_engine(Settings.load()), exclude=True, repr=False
    )
    max_tokens: int = Field(default=256, ge=1)
    stop: list[str] | None = None
    temperature: float = Field(default=0.0, ge=0.0, le=0.0)

    @property
    def model_name(self) -> str:
        return self.engine.info.model

    @property
    def _llm_type(self) -> str:
        return "ranit"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "max_tokens": self.max_tokens, "stop": self.stop}

    def _limit(self, given: dict[str, Any]) -> int:
        """The token limit of a call, whose other arguments an engine does not know."""
        unknown = given.keys() - {"max_tokens"}
        if unknown:
            raise InputError(f"an engine takes no {', '.join(sorted(unknown))}", hint="it takes stop and max_tokens")
        return int(given.get("max_tokens") or self.max_tokens)

    def _read(self, reply: Reply, stop: list[str] | None) -> tuple[Answer, str]:
        """The only answer, and its text up to the first stop string. Raises EngineError."""
        if reply.error is not None:
            raise reply.error
        answer = reply.answers[0]
        ends = [at for at in map(answer.text.find, stop or self.stop or ()) if at >= 0]
        return answer, answer.text[: min(ends, default=len(answer.text))]

    def _details(self, answer: Answer) -> dict[str, Any]:
        details: dict[str, Any] = {"finish_reason": answer.finish, "model_name": self.model_name}
        if answer.tokens is not None:
            details["logprobs"] = {"content": [{"token": t.text, "logprob": t.logprob} for t in answer.tokens]}
        return details


class ChatRanit(_OverEngine, BaseChatModel):
    """A chat model over an engine: ``ChatRanit(engine=ner.engine)`` shares that of a Ranit.

    Messages are system, human and AI ones, of text alone, the last one human; anything else raises InputError. An
    answer comes with ``usage_metadata`` (cached prompt tokens under ``cache_read``), and in ``response_metadata`` with
    its finish reason and, where the engine tells them, log-probabilities. Engines do not stream: ``stream`` yields one
    chunk. The embedded model only answers RANIT's own prompts well; take a larger one for conversations.
    """

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 — no tokens come before the answer
        **kwargs: Any,
    ) -> ChatResult:
        replies = self.engine.generate([_conversation(messages)], max_tokens=self._limit(kwargs))
        return self._result(replies[0], stop)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 — no tokens come before the answer
        **kwargs: Any,
    ) -> ChatResult:
        replies = await self.engine.agenerate([_conversation(messages)], max_tokens=self._limit(kwargs))
        return self._result(replies[0], stop)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield _whole(self._generate(messages, stop, run_manager, **kwargs))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        yield _whole(await self._agenerate(messages, stop, run_manager, **kwargs))

    def _result(self, reply: Reply, stop: list[str] | None) -> ChatResult:
        answer, text = self._read(reply, stop)
        message = AIMessage(text, response_metadata=self._details(answer), usage_metadata=_usage(reply.usage))
        return ChatResult(generations=[ChatGeneration(message=message)])


def _whole(result: ChatResult) -> ChatGenerationChunk:
    """The answer as the only chunk of its stream."""
    fields = result.generations[0].message.model_dump(exclude={"type"})
    return ChatGenerationChunk(message=AIMessageChunk(**fields, chunk_position="last"))


class RanitLLM(_OverEngine, BaseLLM):
    """A model of plain prompts over an engine; the prompts of a batch go to it together.

    ``llm_output["token_usage"]`` tells what they cost, and each generation's info how it ended.
    """

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 — no tokens come before the answer
        **kwargs: Any,
    ) -> LLMResult:
        return self._result(self.engine.generate(_prompts(prompts), max_tokens=self._limit(kwargs)), stop)

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 — no tokens come before the answer
        **kwargs: Any,
    ) -> LLMResult:
        return self._result(await self.engine.agenerate(_prompts(prompts), max_tokens=self._limit(kwargs)), stop)

    def _result(self, replies: Sequence[Reply], stop: list[str] | None) -> LLMResult:
        generations = []
        for reply in replies:
            answer, text = self._read(reply, stop)
            generations.append([Generation(text=text, generation_info=self._details(answer))])
        usage = _usage(sum((reply.usage for reply in replies), Usage()))
        return LLMResult(generations=generations, llm_output={"token_usage": usage, "model_name": self.model_name})


def _prompts(prompts: Sequence[str]) -> list[Conversation]:
    return [Conversation((), (Query(prompt, ()),)) for prompt in prompts]


def _conversation(messages: Sequence[BaseMessage]) -> Conversation:
    for message in messages:
        if message.type not in _ROLES or any(block["type"] != "text" for block in message.content_blocks):
            raise InputError(
                f"an engine cannot read the {message.type} message {message.content!r}",
                hint="it reads system, human and AI messages of text",
            )
    if not messages or messages[-1].type != "human":
        raise InputError("the last message is not a human one", hint="end the messages with what is asked")
    prefix = tuple(Message(_ROLES[message.type], message.text) for message in messages[:-1])
    return Conversation(prefix, (Query(messages[-1].text, ()),))


def _usage(usage: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.prompt_tokens + usage.output_tokens,
        input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
    )
