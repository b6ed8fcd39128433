"""What an engine is: conversations in, answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.errors import EngineError
from ranit_rag.overlaps import Decoding
from ranit_rag.prompts.conversation import Conversation
from ranit_rag.results import Usage

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the pipeline must know of an engine.

    ``context`` is the model's window in tokens, prompt and answer together. ``window`` is the longest text, in
    tokens, that the model reads well at once (None: as long as fits). ``profiles`` maps a language to the profile
    that the checkpoint was trained with; empty where it does not say. ``calibration`` and ``decoding`` are what the
    checkpoint says of its scores. ``renormalised``: under a grammar a token's probability is its share of what the
    grammar allows, not of all tokens, so that scores are higher and no calibration fits them.
    """

    name: str
    model: str
    context: int
    window: int | None = None
    profiles: Mapping[str, str] = field(default_factory=dict)
    calibration: ScoreCalibration | None = None
    decoding: Decoding = Decoding()  # noqa: RUF009 — it is frozen
    renormalised: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer and its natural-log probability; the pieces of an answer concatenate to its text."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer to one query. ``tokens`` is None where the engine reports no probabilities.

    ``finish`` is ``length`` when the answer was cut at the token limit.
    """

    text: str
    tokens: tuple[Token, ...] | None = None
    finish: Finish = "stop"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to the queries of one conversation, in their order; or the ``error`` that kept it from one."""

    answers: tuple[Answer, ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: EngineError | None = None


@runtime_checkable
class Engine(Protocol):
    """Turns conversations into answers at temperature 0."""

    @property
    def info(self) -> EngineInfo: ...

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` alone: exact where the engine has the tokenizer, never an underestimate otherwise."""
        ...

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Answer every query of every conversation; replies in input order.

        What concerns one conversation comes back as ``Reply.error``; what concerns all of them is raised.
        """
        ...

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """As ``generate``, without blocking the event loop."""
        ...
