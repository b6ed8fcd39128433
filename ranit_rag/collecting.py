"""From answers to entities: parsed, scored, found in the text, and merged over its windows."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ranit_rag.engines.base import Answer, Reply
from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.overlaps import Decoding, survivors
from ranit_rag.planning import Plan, Planner, readable
from ranit_rag.precedents import LEAST, Precedent, Precedents
from ranit_rag.prompts import Mention, parse_answer
from ranit_rag.results import Dropped, Extraction, Usage
from ranit_rag.rivals import Place, count_rivals
from ranit_rag.text import Grounder
from ranit_rag.types import Decision, Entity

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """How probabilities become scores (None: they are the scores), and what survives by them."""

    calibration: ScoreCalibration | None = None
    decoding: Decoding = Decoding()  # noqa: RUF009 — it is frozen


def reading_for(planner: Planner, decoding: Decoding) -> Reading:
    """What ``decoding`` says, else the planner's, else the checkpoint.

    Where the engine's probabilities under the grammar are not those that the checkpoint's calibration was learned from,
    they are the scores, and the least score that the checkpoint recommends does not hold for them.
    """
    info = planner.engine.info
    wanted = decoding.over(planner.decoding)
    if info.renormalised and planner.grammar:
        return Reading(None, wanted.over(replace(info.decoding, min_score=None)))
    return Reading(info.calibration, wanted.over(info.decoding))


def collect(
    text: str, language: str, plans: Sequence[Plan], replies: Sequence[Reply], reading: Reading | None = None
) -> Extraction:
    """The extraction that the replies to the plans of ``text`` make. Raises the error of a reply that failed."""
    collector = Collector(text, reading or Reading())
    usage = Usage()
    for plan, reply in zip(plans, replies, strict=True):
        collector.add(plan, reply)
        usage += reply.usage
    return collector.extraction(language, usage)


class Collector:
    """Gathers what is found in the windows of one text, given in their order.

    Windows overlap: what two of them see is one entity, with the higher of its scores. What survives is decided when
    all of the text was seen.
    """

    def __init__(self, text: str, reading: Reading) -> None:
        self._text = text
        self._reading = reading
        self._asked: dict[str, int] = {}  # the types in the order in which they were asked for
        self._readable = readable(text)
        self._entities: list[Entity] = []
        self._open: dict[Place, float | None] = {}  # what the next window may see as well
        self._unsaid: set[Place] = set()  # those of them that the model did not write
        self._precedents: dict[Place, tuple[Precedent, Precedents]] = {}
        self._spoken_for: dict[Entity, Precedents] = {}
        self._dropped: dict[Dropped, None] = {}
        self._decisions: list[Decision] = []
        self._read = self._end = 0

    def add(self, plan: Plan, reply: Reply) -> None:
        """Take the reply to the plan of the next window. Raises its error where it failed."""
        if reply.error is not None:
            raise reply.error
        window = plan.window
        self._settle(window.start)
        grounder = Grounder(self._readable[window.start : window.end])
        for query, answer in zip(plan.conversation.queries, reply.answers, strict=True):
            for name in query.types:
                self._asked.setdefault(name, len(self._asked))
            for mention, spans, score in _read(answer, query.types, plan, grounder, self._dropped):
                for start, end in spans:
                    key = (window.start + start, window.start + end, mention.label)
                    self._open[key] = _higher(self._open.get(key), score)
                    self._unsaid.discard(key)
        self._decisions.append(self._weighed(plan))
        self._read += max(window.end - max(window.start, self._end), 0)
        self._end = max(self._end, window.end)

    def extraction(self, language: str, usage: Usage) -> Extraction:
        """All that was found, by the share of the text that stood in a window."""
        self._settle(len(self._text))
        entities, lost = survivors(self._entities, self._reading.decoding, self._asked, self._spoken_for)
        return Extraction(
            self._text,
            language,
            tuple(entities),
            tuple(self._decisions),
            usage,
            self._read / len(self._text),
            (*self._dropped, *lost),
        )

    def _weighed(self, plan: Plan) -> Decision:
        """The decision, once the precedents of the window's words are noted; its reason says what they changed."""
        precedents, window = plan.decision.precedents, plan.window
        if precedents is None or not self._reading.decoding.precedents:
            return plan.decision
        types = [name for query in plan.conversation.queries for name in query.types]
        against = 0
        rivals = self._rivals()
        for key in [key for key in self._open if key not in self._unsaid and window.start <= key[0]]:
            start, end, label = key
            if end <= window.end and (found := precedents.of(start - window.start, end - window.start, label)):
                self._precedents[key] = found, precedents
                against += _unlikely(found, found.weighed(self._score(self._open[key], rivals.get(key, 0))))
        unsaid = 0
        for key, found in annotated_in(precedents, types):
            placed = (key[0] + window.start, key[1] + window.start, key[2])
            if placed not in self._open:
                self._open[placed], self._precedents[placed] = None, (found, precedents)
                self._unsaid.add(placed)
                unsaid += 1
        if not unsaid and not against:
            return plan.decision
        told = f"; its words as examples have them: {unsaid} put forward, {against} dropped"
        return replace(plan.decision, reason=plan.decision.reason + told)

    def _rivals(self) -> dict[Place, int]:
        """The rivals of what the model wrote and may still see, where they count.

        What was settled is not among them: windows begin with sentences, and entities seldom reach into the next one.
        """
        calibration = self._reading.calibration
        if calibration is None or not calibration.rivals:
            return {}
        return count_rivals(self._open.keys() - self._unsaid)

    def _score(self, probability: float | None, rivals: int) -> float | None:
        """The calibrated score of what the model wrote."""
        calibration = self._reading.calibration
        return probability if probability is None or calibration is None else calibration(probability, rivals)

    def _settle(self, place: int) -> None:
        """Make entities of what begins before ``place``, from which on alone more can be found."""
        settled = sorted((key for key in self._open if key[0] < place), key=lambda key: (key[0], -key[1]))
        rivals = self._rivals()
        for key in settled:
            start, end, label = key
            score = self._score(self._open.pop(key), rivals.get(key, 0))
            precedent, precedents = self._precedents.pop(key, (None, None))
            if precedent is not None:
                score = precedent.unsaid() if key in self._unsaid else precedent.weighed(score)
            self._unsaid.discard(key)
            entity = Entity(self._text[start:end], label, start, end, score)
            if _unlikely(precedent, score):
                self._dropped[Dropped(entity.text, label, "unsure", entity)] = None
                continue
            self._entities.append(entity)
            if precedents is not None:
                self._spoken_for[entity] = precedents


def _unlikely(precedent: Precedent | None, score: float | None) -> bool:
    """Whether the store's own words speak against an entity."""
    return precedent is not None and precedent.seen > 0 and score is not None and score < LEAST


def annotated_in(precedents: Precedents, types: Sequence[str]) -> list[tuple[Place, Precedent]]:
    """What a store alone would take for entities of the types: none within a longer one."""
    found = {
        key: precedent
        for key in precedents.annotated(types)
        if (precedent := precedents.of(*key)) and precedent.annotated and precedent.unsaid() >= LEAST
    }
    kept: list[tuple[Place, Precedent]] = []
    covered: Span = (0, 0)
    for (start, end, name), precedent in sorted(found.items(), key=lambda each: (each[0][0], -each[0][1])):
        if end > covered[1] or (start, end) == covered:
            kept.append(((start, end, name), precedent))
            covered = (start, end)
    return kept


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
