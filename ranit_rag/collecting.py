"""From answers to entities: parsed, scored, found in the text, and merged over its windows."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from ranit_rag.engines.base import Answer, Reply
from ranit_rag.planning import Plan, readable
from ranit_rag.prompts import Mention, parse_answer
from ranit_rag.text import Grounder
from ranit_rag.types import Dropped, Entity, Extraction, Usage

Span = tuple[int, int]


def collect(text: str, language: str, plans: Sequence[Plan], replies: Sequence[Reply]) -> Extraction:
    """The extraction that the replies to the plans of ``text`` make. Raises the error of a reply that failed.

    Windows overlap: what two of them see is one entity, with the higher of its scores.
    """
    found: dict[tuple[int, int, str], float | None] = {}
    dropped: dict[Dropped, None] = {}
    usage = Usage()
    read = readable(text)
    for plan, reply in zip(plans, replies, strict=True):
        if reply.error is not None:
            raise reply.error
        usage += reply.usage
        grounder = Grounder(read[plan.window.start : plan.window.end])
        for query, answer in zip(plan.conversation.queries, reply.answers, strict=True):
            for mention, spans, score in _read(answer, query.types, plan, grounder, dropped):
                for start, end in spans:
                    key = (plan.window.start + start, plan.window.start + end, mention.label)
                    found[key] = _higher(found.get(key), score)
    entities = [Entity(text[start:end], label, start, end, score) for (start, end, label), score in found.items()]
    entities.sort(key=lambda entity: (entity.start, -entity.end))
    decisions = tuple(plan.decision for plan in plans)
    return Extraction(text, language, tuple(entities), decisions, usage, _coverage(text, plans), tuple(dropped))


def _read(
    answer: Answer, types: tuple[str, ...], plan: Plan, grounder: Grounder, dropped: dict[Dropped, None]
) -> list[tuple[Mention, list[Span], float | None]]:
    """The mentions of one answer with their spans in the window; what gets none goes to ``dropped``."""
    parsed = parse_answer(answer.text, types=types, form=plan.conversation.form, truncated=answer.finish == "length")
    asked = ", ".join(types)
    if parsed.problem is not None:
        dropped[Dropped(parsed.rest, asked, parsed.problem)] = None
    elif answer.finish == "length":
        dropped[Dropped(parsed.rest, asked, "truncated")] = None
    spans: dict[tuple[str, str], list[Span]] = {}
    read: list[tuple[Mention, list[Span], float | None]] = []
    for mention, score in zip(parsed.mentions, mention_scores(answer, parsed.mentions), strict=True):
        key = (mention.text, mention.label)
        if key in spans:
            dropped[Dropped(mention.text, mention.label, "duplicate")] = None
            continue
        spans[key] = grounder.find(mention.text)
        if not spans[key]:
            dropped[Dropped(mention.text, mention.label, "ungrounded")] = None
        read.append((mention, spans[key], score))
    covered = {label: _covered(spans, label) for label in types}
    return [(mention, _standing_alone(found, covered[mention.label]), score) for mention, found, score in read]


def _standing_alone(spans: list[Span], covered: set[Span]) -> list[Span]:
    """The spans of a mention that no longer mention of its type covers; all of them where it never stands alone.

    So "New York" beside "New York City" means its own occurrences, yet "Tokyo" and "University of Tokyo" are kept as
    nested entities where "Tokyo" stands nowhere else.
    """
    return [span for span in spans if span not in covered] or spans


def _covered(spans: dict[tuple[str, str], list[Span]], label: str) -> set[Span]:
    """The spans of a type that lie within a longer one of it."""
    covered = set()
    reach = 0
    of_type = {span for (_, other), found in spans.items() if other == label for span in found}
    for start, end in sorted(of_type, key=lambda span: (span[0], -span[1])):
        if end <= reach:
            covered.add((start, end))
        reach = max(reach, end)
    return covered


def mention_scores(answer: Answer, mentions: Sequence[Mention]) -> list[float | None]:
    """The model's probability of each mention given all that stands before it, by the chain rule over its tokens.

    A mention's tokens are those from the end of the one before, so that of the first carries the choice of not
    answering ``[]``, and each later one that of going on, up to the last token of its own text. A mention that ends
    within the last token of the one before has that token's probability.
    """
    if answer.tokens is None:
        return [None] * len(mentions)
    ends = []
    offset = 0
    for token in answer.tokens:
        ends.append(offset := offset + len(token.text))
    scores: list[float | None] = []
    first = 0
    for mention in mentions:
        last = bisect_left(ends, mention.end)
        logprob = sum(token.logprob for token in answer.tokens[min(first, last) : last + 1])
        scores.append(round(min(math.exp(logprob), 1.0), 6))
        first = max(first, last + 1)
    return scores


def _higher(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _coverage(text: str, plans: Sequence[Plan]) -> float:
    """The share of the characters that stood in a window."""
    read = end = 0
    for plan in plans:
        read += max(plan.window.end - max(plan.window.start, end), 0)
        end = max(end, plan.window.end)
    return read / len(text)
