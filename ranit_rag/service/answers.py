"""What answers hold, as OpenAPI tells it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Count = Annotated[int, Field(ge=0)]


class EmbeddingAnswer(BaseModel):
    """The embedding model that a store is pinned to."""

    name: str
    dimension: Count


class StoreAnswer(BaseModel):
    """What is in a store. ``types`` and ``languages`` count, most frequent first."""

    name: str
    size: Count
    mentions: Count
    language: Annotated[str, Field(description="Of most of its examples.")]
    types: dict[str, Count]
    languages: dict[str, Count]
    embedding: EmbeddingAnswer
    version: int
    readonly: Annotated[bool, Field(description="Whether this caller may not write to it.")]
    threshold: Annotated[float | None, Field(description="The calibrated one, where there is one.")]
    unfinished: Annotated[str, Field(description="Which write was cut off, or nothing.")]


class StoresAnswer(BaseModel):
    stores: list[StoreAnswer]


class EntityAnswer(BaseModel):
    text: str
    label: str
    start: Count
    end: Count


class ExampleAnswer(BaseModel):
    """An example as it is kept."""

    id: str
    text: str
    entities: list[EntityAnswer]
    domain: str
    language: str
    source: str


class ExamplesPage(BaseModel):
    """Some of a store's examples; ``total`` is how many there are in all, or that match the query."""

    examples: list[ExampleAnswer]
    total: Count
    offset: Count


class AddAnswer(BaseModel):
    """What became of the examples. ``ids`` has one for each, in their order."""

    added: Count
    replaced: Annotated[Count, Field(description="The text was there with other entities; the new ones count.")]
    unchanged: Annotated[Count, Field(description="They were there already.")]
    duplicates: Annotated[Count, Field(description="The text came twice; the first one counts.")]
    ids: list[str]


class DeleteAnswer(BaseModel):
    deleted: Count


class ProblemAnswer(BaseModel):
    """What is wrong with a line (a record, where the format has no lines)."""

    line: Annotated[int, Field(ge=1)]
    kind: Literal["broken", "duplicate"]
    message: str
    hint: str


class ImportAnswer(BaseModel):
    """What became of a file. Problems are told one by one up to 1000; ``broken`` counts them all."""

    added: Count
    replaced: Count
    unchanged: Count
    duplicates: Count
    broken: Count
    problems: list[ProblemAnswer]


class TypeCount(BaseModel):
    type: str
    count: Count


class TypesAnswer(BaseModel):
    """Types to ask for: those of the store that the text belongs to, then the most frequent of all stores."""

    store: str | None
    types: list[str]
    frequent: list[TypeCount]


class LimitsAnswer(BaseModel):
    body_bytes: int
    import_bytes: int
    queue: int
    batch: int
    batch_wait: float
    deadline: float
    grace: float
    texts: int
    characters: int
    explained_characters: int
    types: int
    type_characters: int
    examples: int
    entities: int


class EngineAnswer(BaseModel):
    """``name`` and ``model`` are null until the model is loaded."""

    name: str | None
    model: str | None
    context: int | None
    window: int | None
    profiles: dict[str, str]


class InfoAnswer(BaseModel):
    """What the server is, and what it takes."""

    version: str
    ready: bool
    engine: EngineAnswer
    languages: list[str]
    formats: list[str]
    limits: LimitsAnswer
    key_needed: bool


class HealthAnswer(BaseModel):
    status: Literal["ok"]


class ShownAnswer(BaseModel):
    """An example that the model is shown."""

    id: str
    store: str
    text: str
    entities: list[EntityAnswer]
    similarity: float | None
    bm25: float | None


class DistributionAnswer(BaseModel):
    """How near a store's own members are to the others, in bins; ``value`` is where the text stands."""

    edges: list[float]
    counts: list[Count]
    value: float


class CandidateAnswer(BaseModel):
    """What speaks for a store as the text's home, best store first."""

    store: str
    size: Count
    text_score: float
    wording: float
    types_score: float | None
    score: float
    p_value: Annotated[float, Field(ge=0, le=1)]
    threshold: float | None
    distribution: DistributionAnswer


class MessageAnswer(BaseModel):
    role: str
    content: str


class PromptAnswer(BaseModel):
    """What the model is sent to find some types; ``rendered`` as it reads it, where the engine can say."""

    types: list[str]
    messages: list[MessageAnswer]
    rendered: str | None


class ExplanationAnswer(BaseModel):
    """What leads to the answer for one window of a text. ``decision`` is that of an extraction."""

    decision: dict[str, Any]
    profile: str
    candidates: list[CandidateAnswer]
    examples: list[ShownAnswer]
    prompt: list[PromptAnswer]


class ExplainAnswer(BaseModel):
    """An explanation for each window of the text."""

    text: str
    language: str
    explanations: list[ExplanationAnswer]
