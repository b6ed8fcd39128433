"""An engine as a language model of LlamaIndex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import LogProb, TextBlock
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    CustomLLM,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from ranit_rag import Conversation, Engine, Message, Query, Reply, Settings, open_engine
from ranit_rag.errors import InputError

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
}


class RanitLLM(CustomLLM):
    """Any engine of RANIT behind the interface of LlamaIndex, at temperature 0; by default the one of the settings.

    A chat goes through the engine's own chat template. Responses carry the usage and the finish reason in ``raw`` and
    the tokens' log-probabilities where the engine has them. Engines answer at once, so a stream is one piece.
    """

    max_tokens: int = Field(default=256, description="The longest answer, in tokens.", gt=0)
    _engine: Engine = PrivateAttr()

    def __init__(self, engine: Engine | None = None, *, max_tokens: int = 256, **options: Any) -> None:
        super().__init__(max_tokens=max_tokens, **options)
        self._engine = engine if engine is not None else open_engine(Settings.load())

    @classmethod
    def class_name(cls) -> str:
        return "RanitLLM"

    @property
    def metadata(self) -> LLMMetadata:
        info = self._engine.info
        return LLMMetadata(
            context_window=info.context, num_output=self.max_tokens, is_chat_model=True, model_name=info.model
        )

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        conversation = self._prompted(prompt, formatted)
        return _completion(self._engine.generate([conversation], max_tokens=self._limit(kwargs))[0])

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        conversation = self._prompted(prompt, formatted)
        return _completion((await self._engine.agenerate([conversation], max_tokens=self._limit(kwargs)))[0])

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        def pieces() -> CompletionResponseGen:
            yield self.complete(prompt, formatted=formatted, **kwargs)

        return pieces()

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        async def pieces() -> CompletionResponseAsyncGen:
            yield await self.acomplete(prompt, formatted=formatted, **kwargs)

        return pieces()

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        reply = self._engine.generate([_conversation(messages)], max_tokens=self._limit(kwargs))[0]
        return _chat_response(_completion(reply))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        reply = (await self._engine.agenerate([_conversation(messages)], max_tokens=self._limit(kwargs)))[0]
        return _chat_response(_completion(reply))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        def pieces() -> ChatResponseGen:
            yield self.chat(messages, **kwargs)

        return pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def pieces() -> ChatResponseAsyncGen:
            yield await self.achat(messages, **kwargs)

        return pieces()

    def _prompted(self, prompt: str, formatted: bool) -> Conversation:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        return Conversation((), (Query(prompt, ()),))

    def _limit(self, asked: dict[str, Any]) -> int:
        """The token limit of one call. Raises InputError for what an engine has no use for."""
        unknown = asked.keys() - {"max_tokens"}
        if unknown:
            raise InputError(f"an engine does not know {', '.join(sorted(unknown))}", hint="it takes max_tokens alone")
        return int(asked.get("max_tokens") or self.max_tokens)


def _conversation(messages: Sequence[ChatMessage]) -> Conversation:
    """Raises InputError where a turn is no text of system, user or assistant, or the last is not the user's."""
    turns = [_turn(message) for message in messages]
    if not turns or turns[-1].role != "user":
        raise InputError(
            f"the last of {len(turns)} messages is not the user's",
            hint="a chat ends with a message of the user",
        )
    return Conversation(tuple(turns[:-1]), (Query(turns[-1].content, ()),))


def _turn(message: ChatMessage) -> Message:
    role = _ROLES.get(message.role.value)
    if role is None:
        raise InputError(f"an engine knows no role {message.role.value!r}", hint=f"roles are {', '.join(_ROLES)}")
    strange = [type(block).__name__ for block in message.blocks if not isinstance(block, TextBlock)]
    if strange:
        raise InputError(f"an engine reads text, not a {strange[0]}")
    return Message(role, message.content or "")


def _completion(reply: Reply) -> CompletionResponse:
    if reply.error is not None:
        raise reply.error
    answer = reply.answers[0]
    logprobs = answer.tokens and [
        [LogProb(token=token.text, logprob=token.logprob, bytes=list(token.text.encode("utf-8", "surrogatepass")))]
        for token in answer.tokens
    ]
    raw = {"finish_reason": answer.finish, "usage": reply.usage.to_dict()}
    return CompletionResponse(text=answer.text, delta=answer.text, raw=raw, logprobs=logprobs or None)


def _chat_response(completion: CompletionResponse) -> ChatResponse:
    message = ChatMessage(role=MessageRole.ASSISTANT, content=completion.text)
    return ChatResponse(message=message, delta=completion.delta, raw=completion.raw, logprobs=completion.logprobs)
