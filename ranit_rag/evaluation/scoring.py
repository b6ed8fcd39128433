"""The scores of one text: counts for each type however counted, and what was lost between answer and entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ranit_rag.evaluation.counts import Counts, set_counts
from ranit_rag.evaluation.metrics import mention_counts, partial_counts, strict_counts
from ranit_rag.evaluation.runner import TextResult, Written
from ranit_rag.evaluation.universalner import Item, normalise, read_answer
from ranit_rag.prompts import parse_answer
from ranit_rag.results import Extraction
from ranit_rag.text import Grounder

TypeCounts = Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Losses:
    """Out of ``answers``: those that RANIT could not read as a whole, that were cut at the token limit, and that the
    original parser could not read. Out of the ``written`` mentions: those that do not stand in the text, and among them
    those that stand in a shown example (``leaked``)."""

    answers: int = 0
    unparsable: int = 0
    truncated: int = 0
    original_unparsable: int = 0
    written: int = 0
    ungrounded: int = 0
    leaked: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.answers + other.answers,
            self.unparsable + other.unparsable,
            self.truncated + other.truncated,
            self.original_unparsable + other.original_unparsable,
            self.written + other.written,
            self.ungrounded + other.ungrounded,
            self.leaked + other.leaked,
        )


@dataclass(frozen=True, slots=True)
class TextScore:
    """``mentions``: UniversalNER's counts of the strings of the entities, and of what was written that is not in the
    text; ``original``: of what the original parser reads in the answers, None where they are objects, which it cannot
    read. ``strict`` and ``partial`` count the spans of the entities."""

    mentions: TypeCounts
    original: TypeCounts | None
    strict: TypeCounts
    partial: TypeCounts
    losses: Losses


def score_text(result: TextResult, types: Sequence[str]) -> TextScore:
    """Score a text for ``types``. A text that failed found nothing."""
    example = result.example
    gold: dict[str, list[str]] = {}
    for entity in example.entities:
        gold.setdefault(entity.label, []).append(entity.text)
    losses = sum(map(_answer_losses, result.answers), Losses())
    found = result.extraction.entities if result.extraction is not None else ()
    if result.extraction is not None:
        losses += _ungrounded(result.extraction)
    return TextScore(
        mention_counts(mentions_of(result.extraction), gold, types),
        _original(result.answers, gold, types) if all(each.form == "list" for each in result.answers) else None,
        strict_counts(found, example.entities, types),
        partial_counts(found, example.entities, types),
        losses,
    )


def mentions_of(extraction: Extraction | None) -> dict[str, list[str]]:
    """The strings of each type that count as found: those of the entities that survived, and inventions."""
    mentions: dict[str, list[str]] = {}
    if extraction is not None:
        found = [(each.label, each.text) for each in extraction.entities]
        found += [(each.label, each.text) for each in extraction.dropped if each.reason == "ungrounded"]
        for label, text in found:
            mentions.setdefault(label, []).append(text)
    return mentions


def _answer_losses(answer: Written) -> Losses:
    parsed = parse_answer(answer.text, types=answer.types, form=answer.form, truncated=answer.truncated)
    return Losses(
        answers=1,
        unparsable=parsed.problem == "unparsable",
        truncated=answer.truncated,
        original_unparsable=read_answer(answer.text) is None,
        written=len({(mention.text, mention.label) for mention in parsed.mentions}),
    )


def _original(answers: Sequence[Written], gold: Mapping[str, Sequence[str]], types: Sequence[str]) -> TypeCounts:
    read: dict[str, set[Item]] = {name: set() for name in types}
    for answer in answers:
        read[answer.types[0]] |= read_answer(answer.text) or set()
    return {name: set_counts(read[name], map(normalise, gold.get(name, ()))) for name in types}


def _ungrounded(extraction: Extraction) -> Losses:
    """Mentions that are not in the text; copied where a shown example holds them."""
    dropped = [each.text for each in extraction.dropped if each.reason == "ungrounded"]
    shown = [Grounder(each.example.text) for decision in extraction.decisions for each in decision.examples]
    leaked = sum(any(example.find(mention) for example in shown) for mention in dropped)
    return Losses(ungrounded=len(dropped), leaked=leaked)
