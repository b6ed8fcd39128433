"""Rounds: so many windows of some texts are planned, asked and collected at a time.

A text of any length then takes the memory of what is found in it, not of all its prompts and answers. Short texts are
through in one round.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ranit_rag.collecting import Collector, reading_for
from ranit_rag.engines.base import Reply
from ranit_rag.errors import EngineError
from ranit_rag.planning import Plan, Planner, Request
from ranit_rag.prompts import Conversation
from ranit_rag.results import Extraction, Failure, Usage

_CHARACTERS_AT_ONCE = 1_000_000


class Rounds:
    """The way of some texts to their results. Until ``plan`` has no conversations left, each of its lists is to be
    answered by ``keep``; then ``results`` are there. What goes wrong with a text is its Failure, never raised.

    ``index`` is that of the first text among all.
    """

    def __init__(self, planner: Planner, index: int, requests: Sequence[Request]) -> None:
        self._texts = [_Text(planner, index + i, request) for i, request in enumerate(requests)]
        self._asked: list[tuple[_Text, Plan]] = []

    def plan(self) -> list[Conversation]:
        """The conversations of the next round; none where all texts are through."""
        characters = 0
        for text in self._texts:
            for plan in text.next_plans(_CHARACTERS_AT_ONCE - characters):
                self._asked.append((text, plan))
                characters += plan.window.end - plan.window.start
        return [plan.conversation for _, plan in self._asked]

    def keep(self, replies: Sequence[Reply] | Exception, seconds: float) -> None:
        """Take the replies to the conversations of this round, or the error that kept all of them from being."""
        if not isinstance(replies, Exception) and len(replies) != len(self._asked):
            replies = EngineError(f"the engine gave {len(replies)} replies to {len(self._asked)} conversations")
        share = seconds / len(self._asked)
        if isinstance(replies, Exception):
            for text, _ in self._asked:
                text.fail(replies)
        else:
            for (text, plan), reply in zip(self._asked, replies, strict=True):
                text.take(plan, reply, share)
        self._asked = []

    def results(self) -> list[Extraction | Failure]:
        """The result of each text, in their order."""
        return [text.result() for text in self._texts]


class _Text:
    """One text on its way: what is left to plan, what was found so far, or the error that ended it."""

    def __init__(self, planner: Planner, index: int, request: Request) -> None:
        self._index = index
        self._request = request
        self._language = ""
        self._plans: Iterator[Plan] = iter(())
        self._usage = Usage()
        self._seconds = dict.fromkeys(("plan", "generate", "collect"), 0.0)
        self.error: Exception | None = None
        started = time.perf_counter()
        try:
            self._language, self._plans = planner.begin(request)
            self._collector = Collector(request.text, reading_for(planner, request.decoding))
        except Exception as error:
            self.fail(error)
        self._seconds["plan"] += time.perf_counter() - started

    def next_plans(self, characters: int) -> list[Plan]:
        """The plans of the next windows, up to the one with which they reach so many characters."""
        started = time.perf_counter()
        plans: list[Plan] = []
        try:
            while characters > 0 and (plan := next(self._plans, None)) is not None:
                plans.append(plan)
                characters -= plan.window.end - plan.window.start
        except Exception as error:
            self.fail(error)
            plans = []
        self._seconds["plan"] += time.perf_counter() - started
        return plans

    def take(self, plan: Plan, reply: Reply, seconds: float) -> None:
        self._usage += reply.usage
        self._seconds["generate"] += seconds
        if self.error is not None:
            return
        started = time.perf_counter()
        try:
            self._collector.add(plan, reply)
        except Exception as error:
            self.fail(error)
        self._seconds["collect"] += time.perf_counter() - started

    def fail(self, error: Exception) -> None:
        """End here: no more is planned or asked of this text."""
        self.error = error
        self._plans = iter(())

    def result(self) -> Extraction | Failure:
        if self.error is not None:
            return Failure(self._index, self._request.text, self.error, self._usage)
        return self._collector.extraction(self._language, self._usage + Usage(seconds=self._seconds))
