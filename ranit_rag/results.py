"""What becomes of a text: its entities, or why there are none, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ranit_rag.types import CORRECTED, Decision, Entity, Example

DropReason = Literal["ungrounded", "unparsable", "truncated", "duplicate", "unsure", "overlapped"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an extraction cost. ``cached_tokens``: prompt tokens that were not computed again; ``seconds`` by stage."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Usage) -> Usage:
        stages = dict(self.seconds)
        for stage, seconds in other.seconds.items():
            stages[stage] = stages.get(stage, 0.0) + seconds
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.calls + other.calls,
            stages,
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the Extraction contract; seconds are rounded to microseconds."""
        return {**asdict(self), "seconds": {stage: round(value, 6) for stage, value in self.seconds.items()}}


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something the model wrote that did not become an entity, and why.

    ``ungrounded``: not in the text. ``unparsable``: not JSON of the asked form. ``truncated``: the answer was cut at
    the token limit, ``text`` holds what was left over. ``duplicate``: written again for the same type. ``unsure``:
    ``entity`` has a score below the least that was asked for. ``overlapped``: ``entity`` gave way to ``winner``.
    """

    text: str
    label: str
    reason: DropReason
    entity: Entity | None = None
    winner: Entity | None = None

    @property
    def told(self) -> str:
        """The reason in words, with the numbers behind it."""
        if self.reason == "unsure" and self.entity is not None:
            return f"unsure: {self.entity.score}"
        if self.reason == "overlapped" and self.winner is not None:
            score = "" if self.winner.score is None else f" {self.winner.score}"
            return f"overlapped by {self.winner.text} ({self.winner.label}{score})"
        return self.reason

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the Extraction contract: what was an entity says where it stood, and what won over it."""
        record: dict[str, Any] = {"text": self.text, "label": self.label, "reason": self.reason}
        if self.entity is not None:
            record |= {"start": self.entity.start, "end": self.entity.end, "score": self.entity.score}
        return record if self.winner is None else {**record, "winner": self.winner.to_dict()}


@dataclass(frozen=True, slots=True)
class Extraction:
    """The result for one text. ``coverage`` is the share of its characters that were read: 1.0, or it had failed."""

    text: str
    language: str
    entities: tuple[Entity, ...] = ()
    decisions: tuple[Decision, ...] = ()
    usage: Usage = Usage()
    coverage: float = 1.0
    dropped: tuple[Dropped, ...] = ()

    @property
    def decision(self) -> Decision:
        """The decision for the first window."""
        if not self.decisions:
            return Decision("none", "the text is empty: nothing was asked")
        return self.decisions[0]

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract that every surface speaks (``ranit_rag/schemas/extraction.v1.json``)."""
        return {
            "text": self.text,
            "language": self.language,
            "entities": [entity.to_dict() for entity in self.entities],
            "decisions": [decision.to_dict() for decision in self.decisions],
            "usage": self.usage.to_dict(),
            "coverage": self.coverage,
            "dropped": [dropped.to_dict() for dropped in self.dropped],
        }

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.html import fragment

        return fragment(self)

    def corrected(
        self,
        *,
        add: Iterable[tuple[str, str] | Entity] = (),
        remove: Iterable[str | Entity] = (),
        domain: str = "",
    ) -> Example:
        """The text with its entities as you would have them, ready for ``store.add``.

        ``add`` takes entities, or ``(mention, label)`` for every occurrence; ``remove`` takes entities, or mentions
        for every entity of that text.
        """
        removed = list(remove)
        kept = [e for e in self.entities if e.text not in removed and not any(_same_span(e, r) for r in removed)]
        for item in add:
            if isinstance(item, Entity):
                kept.append(item)
            else:
                mention, label = item
                kept += Example.from_mentions(self.text, {label: [mention]}).entities
        unique = {(e.start, e.end, e.label): replace(e, score=None) for e in kept}
        entities = tuple(unique[key] for key in sorted(unique, key=lambda k: (k[0], -k[1], k[2])))
        return Example(self.text, entities, domain=domain, language=self.language, source=CORRECTED)


def _same_span(entity: Entity, other: object) -> bool:
    return isinstance(other, Entity) and (entity.start, entity.end, entity.label) == (
        other.start,
        other.end,
        other.label,
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A text of a batch that could not be extracted; ``index`` is its position in the input.

    ``usage`` is what the answers cost that came before the one that failed.
    """

    index: int
    text: str
    error: Exception
    usage: Usage = Usage()

    def to_dict(self) -> dict[str, Any]:
        """``{"text", "error": {"type", "message", "hint"}}``"""
        hint = getattr(self.error, "hint", "")
        return {
            "text": self.text,
            "error": {"type": type(self.error).__name__, "message": str(self.error), "hint": hint},
        }

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.html import failure_fragment

        return failure_fragment(self)
