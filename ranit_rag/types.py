"""The values that flow through RANIT. All are frozen; offsets count Unicode code points of the text as given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ranit_rag.errors import DataError, InputError
from ranit_rag.precedents import Precedents

CORRECTED = "corrected"
"""The ``source`` of examples that were made from extractions."""
Route = Literal["in_domain", "out_domain", "none"]


@dataclass(frozen=True, slots=True)
class EntityType:
    """A requested type: its name as shown to the model and, if the user gave one, a definition."""

    name: str
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled span: ``text == source[start:end]``. ``score`` is a probability in [0, 1], or None."""

    text: str
    label: str
    start: int
    end: int
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the Extraction contract."""
        return {"text": self.text, "label": self.label, "start": self.start, "end": self.end, "score": self.score}


@dataclass(frozen=True, slots=True)
class Example:
    """An annotated text that can be shown to the model.

    ``id`` is a hash of text, entities and domain unless one is given, so that importing the same example twice
    changes nothing. Raises DataError where an entity is not a span of the text.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    domain: str = ""
    language: str = ""
    source: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        for entity in self.entities:
            inside = 0 <= entity.start < entity.end <= len(self.text)
            if not inside or self.text[entity.start : entity.end] != entity.text:
                raise DataError(
                    f"entity {entity.text!r} ({entity.label}) is not the text at {entity.start}:{entity.end}, "
                    f"which is {self.text[max(entity.start, 0) : entity.end]!r}",
                    hint="offsets count Unicode code points from 0, and end is exclusive",
                )
        if not self.id:
            object.__setattr__(self, "id", self._content_hash())

    def _content_hash(self) -> str:
        spans = sorted((e.start, e.end, e.label) for e in self.entities)
        content = json.dumps([self.text, spans, self.domain], ensure_ascii=False)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:20]

    @property
    def labels(self) -> tuple[str, ...]:
        """The types that occur, in order of first occurrence."""
        return tuple(dict.fromkeys(entity.label for entity in self.entities))

    @classmethod
    def from_mentions(cls, text: str, mentions: Mapping[str, Sequence[str]], **fields: str) -> Example:
        """Build an example from ``{label: [mention, …]}``: every occurrence of a mention becomes an entity."""
        entities = []
        for label, strings in mentions.items():
            for mention in dict.fromkeys(strings):
                start = text.find(mention) if mention else -1
                if start < 0:
                    raise DataError(f"{mention!r} ({label}) does not stand in the text {text[:60]!r}")
                while start >= 0:
                    entities.append(Entity(mention, label, start, start + len(mention)))
                    start = text.find(mention, start + len(mention))
        return cls(text, tuple(sorted(entities, key=lambda e: (e.start, -e.end))), **fields)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Example:
        """Read ``{"text", "entities": [{"start", "end", "label", "text"?}]}``, and domain, language, source and id."""
        text = record.get("text")
        if not isinstance(text, str) or not text:
            raise DataError(
                "the record has no text", hint='an example is {"text": "…", "entities": [{"start", "end", "label"}]}'
            )
        entities = tuple(_entity_from(text, raw) for raw in record.get("entities") or ())
        fields = {key: str(record.get(key) or "") for key in ("domain", "language", "source", "id")}
        return cls(text, entities, **fields)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that ``from_dict`` reads."""
        entities = [{"text": e.text, "label": e.label, "start": e.start, "end": e.end} for e in self.entities]
        return {
            "id": self.id,
            "text": self.text,
            "entities": entities,
            "domain": self.domain,
            "language": self.language,
            "source": self.source,
        }

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.html import example_fragment

        return example_fragment(self)


def _entity_from(text: str, raw: object) -> Entity:
    if not isinstance(raw, Mapping):
        raise DataError(f"an entity must be an object with start, end and label, not {raw!r}")
    start, end, label = raw.get("start"), raw.get("end"), raw.get("label")
    if isinstance(start, bool) or isinstance(end, bool) or not isinstance(start, int) or not isinstance(end, int):
        raise DataError(f"the entity {dict(raw)!r} needs whole numbers as start and end")
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"the entity at {start}:{end} has no label")
    mention = raw.get("text")
    return Entity(mention if isinstance(mention, str) else text[max(start, 0) : end], label, start, end)


@dataclass(frozen=True, slots=True)
class ShownExample:
    """An example as it was chosen, with its cosine ``similarity`` to the text and ``bm25`` score, where computed."""

    example: Example
    similarity: float | None = None
    bm25: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The judge's verdict for the window ``[start, end)`` with everything that led to it.

    ``examples`` come best first. ``types`` are the types to ask for when the caller named none. Scores that the
    judge did not compute are None. ``precedents`` are what the text's own store says of its words; a
    decision that was written down has none.
    """

    route: Route
    reason: str
    store: str | None = None
    examples: tuple[ShownExample, ...] = ()
    types: tuple[str, ...] = ()
    text_score: float | None = None
    types_score: float | None = None
    margin: float | None = None
    probability: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    start: int = 0
    end: int = 0
    precedents: Precedents | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the Extraction contract."""
        shown = [
            {"id": s.example.id, "text": s.example.text, "similarity": s.similarity, "bm25": s.bm25}
            for s in self.examples
        ]
        return {
            "start": self.start,
            "end": self.end,
            "route": self.route,
            "store": self.store,
            "examples": shown,
            "text_score": self.text_score,
            "types_score": self.types_score,
            "margin": self.margin,
            "probability": self.probability,
            "p_value": self.p_value,
            "threshold": self.threshold,
            "reason": self.reason,
        }

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.html import decision_fragment

        return decision_fragment(self)


def entity_types(types: Iterable[str | EntityType] | Mapping[str, str]) -> tuple[EntityType, ...]:
    """Read the caller's types: names, or ``{name: definition}``. Repeats count once; InputError for a blank name."""
    if isinstance(types, str):
        raise InputError(f"types must be a list of names, not the string {types!r}", hint=f"write [{types!r}]")
    if isinstance(types, Mapping):
        given = [EntityType(name, definition or "") for name, definition in types.items()]
    else:
        given = [item if isinstance(item, EntityType) else EntityType(item) for item in types]
    unique: dict[str, EntityType] = {}
    for item in given:
        if not isinstance(item.name, str) or not item.name.strip():
            raise InputError(
                f"{item.name!r} is not a type name", hint="a type needs a name, for example 'person' or '疾病'"
            )
        unique.setdefault(item.name.strip(), EntityType(item.name.strip(), item.definition.strip()))
    return tuple(unique.values())
