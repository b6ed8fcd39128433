"""From a text to conversations: its windows, the decision for each, and the prompt that fits the model's context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ranit_rag.engines.base import Engine
from ranit_rag.errors import ContextLengthError, InputError
from ranit_rag.overlaps import Decoding
from ranit_rag.prompts import Conversation, Profile, choose_profile
from ranit_rag.retrieval.base import DecidedBefore, GivenExamples, Retriever
from ranit_rag.text import Window, detect_language, split_windows
from ranit_rag.types import Decision, EntityType, Example, entity_types

LANGUAGES = ("en", "zh")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Tokens that a chat template may put around one turn.
_TURN_TOKENS = 12
# Windows that are decided about together.
_AT_ONCE = 64


def readable(text: str) -> str:
    """``text`` as models read it, one character for one: tokenizers refuse lone surrogates, and offsets must stay."""
    return _SURROGATES.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Request:
    """One text to extract from. ``types`` as in ``Ranit.extract``; None asks for those of the examples shown.

    ``examples`` or ``decisions`` (one, or one for each window) take the place of what the retriever would decide. What
    ``decoding`` says holds for this text.
    """

    text: str
    types: Sequence[str | EntityType] | Mapping[str, str] | None = None
    examples: Sequence[Example] = ()
    language: str | None = None
    decisions: Sequence[Decision] = ()
    decoding: Decoding = Decoding()  # noqa: RUF009 — it is frozen


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked about one window: its place in the text, the decision, and the conversation."""

    window: Window
    decision: Decision
    profile: Profile
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans for one engine. ``max_tokens`` is the longest answer; it gets a quarter of the context at most.

    ``decoding`` is for those who read the answers.
    """

    engine: Engine
    retriever: Retriever
    profile: str | Path | None
    language: str | None
    grammar: bool
    max_tokens: int
    decoding: Decoding = Decoding()  # noqa: RUF009 — it is frozen

    @property
    def answer_tokens(self) -> int:
        """The longest answer that is asked for, in tokens."""
        return min(self.max_tokens, self.engine.info.context // 4)

    def plan(self, request: Request) -> tuple[str, list[Plan]]:
        """The language of the text, and a plan for each of its windows. Raises InputError and ProfileError."""
        language, plans = self.begin(request)
        return language, list(plans)

    def begin(self, request: Request) -> tuple[str, Iterator[Plan]]:
        """As ``plan``, but the plans are made when they are asked for, which also may raise InputError."""
        if not isinstance(request.text, str):
            raise InputError(f"a text must be a string, not {type(request.text).__name__}")
        if not request.text.strip():
            raise InputError("the text is empty", hint="give a text with at least one character that is not a blank")
        types = entity_types(request.types or ())
        language = self._language(request)
        profile = self._profile(language)
        retriever = self._retriever(request)
        text = readable(request.text)
        budget = self._budget(profile, types)
        windows = self._windows(text, budget)
        # Decisions that were taken before are matched with all windows.
        at_once = len(windows) if request.decisions else _AT_ONCE
        groups = (windows[first : first + at_once] for first in range(0, len(windows), at_once))
        plans = (self._plans(text, group, types, language, profile, retriever, budget) for group in groups)
        return language, chain.from_iterable(plans)

    def _plans(
        self,
        text: str,
        windows: Sequence[Window],
        types: Sequence[EntityType],
        language: str,
        profile: Profile,
        retriever: Retriever,
        budget: int,
    ) -> Iterator[Plan]:
        pieces = [text[window.start : window.end] for window in windows]
        decisions = retriever.decide(pieces, types, language=language)
        for window, piece, decision in zip(windows, pieces, decisions, strict=True):
            asked = types or entity_types(decision.types)
            if not asked:
                raise InputError(
                    "no types are given, and no examples to take them from were chosen",
                    hint="name the types, for example ['person', 'organization']; on the command line -t person",
                )
            room = budget if types else self._budget(profile, asked)
            placed = replace(self._fitting(decision, profile, piece, room), start=window.start, end=window.end)
            shown = [chosen.example for chosen in placed.examples]
            source = piece if self.grammar else None
            yield Plan(window, placed, profile, profile.conversation(piece, asked, shown, source=source))

    def _retriever(self, request: Request) -> Retriever:
        if request.examples and request.decisions:
            raise InputError("examples and decisions exclude each other", hint="a decision brings its own examples")
        if request.decisions:
            return DecidedBefore(request.decisions)
        return GivenExamples(request.examples) if request.examples else self.retriever

    def _language(self, request: Request) -> str:
        language = request.language or self.language
        if language is None:
            return detect_language(request.text)
        if language not in LANGUAGES:
            raise InputError(f"the language {language!r} is not known", hint=f"one of {', '.join(LANGUAGES)}")
        return language

    def _profile(self, language: str) -> Profile:
        info = self.engine.info
        given = str(self.profile) if self.profile is not None else None
        return choose_profile(language=language, model=info.model, checkpoint=info.profiles, given=given)

    def _budget(self, profile: Profile, types: Sequence[EntityType]) -> int:
        """Tokens of the context that are left for the text and the examples."""
        empty = profile.conversation("", types, ())
        turns = [turn.content for turn in empty.prefix]
        longest = max((self.engine.count_tokens(query.content) for query in empty.queries), default=0)
        fixed = sum(map(self.engine.count_tokens, turns)) + longest + _TURN_TOKENS * (len(turns) + 2)
        budget = self.engine.info.context - self.answer_tokens - fixed
        if budget < 32:
            raise ContextLengthError(
                f"the model's context of {self.engine.info.context} tokens has no room for a text beside the prompt",
                hint="ask for fewer types or shorter definitions, lower max_output_tokens, or use another model",
            )
        return budget

    def _windows(self, text: str, budget: int) -> list[Window]:
        # Half of the room, so that examples as long as the text can stand beside it.
        most = min(self.engine.info.window or budget, budget // 2)
        return split_windows(text, max_tokens=most, overlap_tokens=most // 8, count_tokens=self.engine.count_tokens)

    def _fitting(self, decision: Decision, profile: Profile, text: str, budget: int) -> Decision:
        """The decision with as many of its examples, best first, as fit: none of them is the route ``none``.

        The reason says what was left out.
        """
        room = budget - self.engine.count_tokens(text)
        shown = list(decision.examples)
        while shown and self._example_tokens(profile, [s.example for s in shown]) > room:
            shown.pop()
        left_out = len(decision.examples) - len(shown)
        if not left_out:
            return decision
        reason = f"{decision.reason}; {left_out} of {len(decision.examples)} left out, the context has no room"
        if not shown:
            return replace(decision, route="none", store=None, examples=(), reason=reason, precedents=None)
        return replace(decision, examples=tuple(shown), reason=reason)

    def _example_tokens(self, profile: Profile, examples: Sequence[Example]) -> int:
        bare, full = profile.conversation("", (), ()), profile.conversation("", (), examples)
        return sum(self._tokens(c) * sign for c, sign in ((full, 1), (bare, -1)))

    def _tokens(self, conversation: Conversation) -> int:
        turns = conversation.prefix
        return sum(self.engine.count_tokens(turn.content) for turn in turns) + _TURN_TOKENS * len(turns)
