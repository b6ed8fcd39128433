"""An engine that answers from a script: for tests of what is built on RANIT, with no model.

>>> from ranit_rag import Ranit
>>> engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"], ("migraine", "disease"): ["migraine"]})
>>> doc = Ranit(engine).extract("Aspirin eased her migraine.", ["drug", "disease"])
>>> [(entity.text, entity.label) for entity in doc.entities]
[('Aspirin', 'drug'), ('migraine', 'disease')]
>>> engine.conversations[0].queries[0].types
('drug',)
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence

from ranit_rag.engines.base import Answer, EngineInfo, Reply, Token
from ranit_rag.errors import ContextLengthError, EngineError
from ranit_rag.prompts.answers import write_answer, write_object_answer
from ranit_rag.prompts.conversation import Conversation, Query
from ranit_rag.results import Usage

Script = Callable[[str, str], Sequence[str]]
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(?P<key>:)?')


class ScriptedEngine:
    """Answers ``(text, type)`` from a table or a function; a token is one character.

    A table maps ``(part of the text, type)`` to mentions: all entries that fit are written, in the table's order. An
    EngineError in place of mentions is the reply to every text that holds the part. A function gets the text and the
    type and returns the mentions, or raises: an EngineError becomes the reply, anything else goes through.

    Mentions are written as they are, also ones that no text holds: that is how to test what is dropped. A plain prompt,
    which is a query for no type, is answered as one for the type ``""``. ``score`` is
    the probability of each mention, None for an engine that tells none. ``context`` and ``window`` are as in
    EngineInfo. ``conversations`` holds all that was asked, in order.
    """

    def __init__(
        self,
        answers: Mapping[tuple[str, str], Sequence[str] | EngineError] | Script,
        *,
        context: int = 4096,
        window: int | None = None,
        score: float | None = 0.9,
    ) -> None:
        self._script = answers if callable(answers) else _table(answers)
        self._logprob = None if score is None else math.log(score)
        self._info = EngineInfo("scripted", "script", context, window)
        self.conversations: list[Conversation] = []

    @property
    def info(self) -> EngineInfo:
        return self._info

    def count_tokens(self, text: str) -> int:
        return len(text)

    def render(self, conversation: Conversation, query: Query) -> str:
        """The prompt of a query as a dry run shows it."""
        return "\n".join(f"{turn.role}: {turn.content}" for turn in conversation.messages(query))

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Answer as scripted. A conversation that leaves no room for ``max_tokens`` gets a ContextLengthError."""
        self.conversations += conversations
        return [self._reply(conversation, max_tokens) for conversation in conversations]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return self.generate(conversations, max_tokens=max_tokens)

    def _reply(self, conversation: Conversation, max_tokens: int) -> Reply:
        started = time.perf_counter()
        prefix = sum(len(message.content) for message in conversation.prefix)
        queries = [len(query.content) for query in conversation.queries]
        needed = prefix + max(queries, default=0) + max_tokens
        if needed > self._info.context:
            return Reply(error=ContextLengthError(f"{needed} tokens are more than the context of {self._info.context}"))
        try:
            answers = tuple(self._answer(conversation, query, max_tokens) for query in conversation.queries)
        except EngineError as error:
            return Reply(error=error)
        usage = Usage(
            prompt_tokens=prefix * len(queries) + sum(queries),
            cached_tokens=prefix * max(len(queries) - 1, 0),
            output_tokens=sum(len(answer.text) for answer in answers),
            calls=len(queries),
            seconds={"engine": time.perf_counter() - started},
        )
        return Reply(answers, usage)

    def _answer(self, conversation: Conversation, query: Query, max_tokens: int) -> Answer:
        text = _text_of(conversation)
        mentions = {name: list(self._script(text, name)) for name in query.types or ("",)}
        answer = write_object_answer(mentions) if conversation.form == "object" else write_answer(*mentions.values())
        written = answer[:max_tokens]
        return Answer(written, self._tokens(written), "stop" if written == answer else "length")

    def _tokens(self, answer: str) -> tuple[Token, ...] | None:
        """One token for each mention, with the scripted probability, and certain ones for what stands between."""
        if self._logprob is None:
            return None
        tokens: list[Token] = []
        position = 0
        for string in (found for found in _STRING.finditer(answer) if not found["key"]):
            tokens += [Token(answer[position : string.start()], 0.0), Token(string[0], self._logprob)]
            position = string.end()
        tokens.append(Token(answer[position:], 0.0))
        return tuple(token for token in tokens if token.text)


def _table(answers: Mapping[tuple[str, str], Sequence[str] | EngineError]) -> Script:
    def script(text: str, entity_type: str) -> list[str]:
        mentions: list[str] = []
        for (part, asked), answer in answers.items():
            if part in text and asked == entity_type:
                if isinstance(answer, EngineError):
                    raise answer
                mentions += answer
        return mentions

    return script


def _text_of(conversation: Conversation) -> str:
    """The window that is asked about; where the conversation does not carry it, the turn that shows it."""
    if conversation.source is not None:
        return conversation.source
    return next((turn.content for turn in reversed(conversation.prefix) if turn.role == "user"), "")
