"""What requests hold, as pydantic checks it and OpenAPI tells it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from ranit_rag.service import limits

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

Text = Annotated[
    str, Field(description="The text, whole and unchanged.", min_length=1, max_length=limits.CHARACTERS, pattern=r"\S")
]
TypeName = Annotated[str, Field(min_length=1, max_length=limits.TYPE_CHARACTERS, pattern=r"\S")]
Definition = Annotated[str, Field(max_length=limits.TYPE_CHARACTERS)]
Types = Annotated[
    Annotated[list[TypeName], Field(fail_fast=True, max_length=limits.TYPES)]
    | Annotated[dict[TypeName, Definition], Field(max_length=limits.TYPES)]
    | None,
    Field(
        description="The kinds of entity to find: names, or an object of names with their definitions. Without any, "
        "those of the store that suits the text.",
    ),
]
Domain = Annotated[
    str | None,
    Field(
        description="The only store to take examples from. Without it, the judge chooses among all.",
        max_length=limits.STORE_NAME,
    ),
]
Judge = Annotated[
    Literal["calibrated", "paper", "always", "never"] | None,
    Field(description="Who decides whether examples are shown. Without it, the one that the server is set to."),
]
OverlapsAsked = Annotated[
    Literal["keep", "flat"] | None,
    Field(
        description="flat: of entities that overlap only the best stays. Without it, what the server is set to, else "
        "what the model recommends."
    ),
]
MinScore = Annotated[
    float | None,
    Field(description="Entities with a lower score are dropped. Without it, as for overlaps.", ge=0, le=1),
]
PrecedentsAsked = Annotated[
    bool | None,
    Field(description="Whether what the text's own store says of the same words counts. Without it, as for overlaps."),
]
Language = Annotated[Literal["en", "zh"] | None, Field(description="Told from the text unless given.")]


class _Asked(BaseModel):
    model_config = _STRICT

    types: Types = None
    domain: Domain = None
    judge: Judge = None
    language: Language = None


class _Extract(_Asked):
    overlaps: OverlapsAsked = None
    min_score: MinScore = None
    precedents: PrecedentsAsked = None
    explain: Annotated[bool, Field(description="Add to each extraction what led to it, under explanations.")] = False


class ExtractOne(_Extract):
    """One text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "Aspirin eased her migraine.", "types": ["drug", "disease"]},
                {"text": "阿里巴巴在杭州成立。", "types": {"组织机构": "公司或机构", "地名": "城市"}, "language": "zh"},
            ]
        }
    )
    text: Text


class ExtractMany(_Extract):
    """Several texts, with a result for each in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"texts": ["Ada Lovelace met Charles Babbage.", "It rained in London."], "types": ["person"]}]
        }
    )
    texts: Annotated[list[Text], Field(fail_fast=True, min_length=1, max_length=limits.TEXTS)]


def _kind(body: object) -> str:
    several = "texts" in body if isinstance(body, dict) else isinstance(body, ExtractMany)
    return "several texts" if several else "one text"


# Told apart by hand, so that what is wrong with one form is not told of the other.
ExtractBody: TypeAlias = Annotated[
    Annotated[ExtractOne, Tag("one text")] | Annotated[ExtractMany, Tag("several texts")], Discriminator(_kind)
]


class ExplainBody(_Asked):
    """A text whose decisions are to be explained."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Aspirin eased her migraine.", "types": ["drug", "disease"]}]}
    )
    text: Annotated[str, Field(min_length=1, max_length=limits.EXPLAINED_CHARACTERS, pattern=r"\S")]


class Span(BaseModel):
    """An entity by its offsets in Unicode code points; ``end`` is exclusive."""

    model_config = _STRICT
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    label: Annotated[str, Field(min_length=1, max_length=limits.TYPE_CHARACTERS)]
    text: Annotated[str | None, Field(description="The mention. If given, it must stand at the offsets.")] = None


class AnnotatedText(BaseModel):
    """A text with its entities."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "Metformin lowers blood sugar.", "entities": [{"start": 0, "end": 9, "label": "drug"}]}
            ]
        }
    )
    text: Text
    entities: Annotated[list[Span], Field(fail_fast=True, max_length=limits.ENTITIES)] = []
    language: Language = None

    def record(self, source: str) -> dict[str, Any]:
        """The record that ``Example.from_dict`` reads."""
        return {**self.model_dump(), "source": source}


class NewExamples(BaseModel):
    """Annotated texts to add to a store."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "examples": [
                        {"text": "Metformin lowers blood sugar.", "entities": [{"start": 0, "end": 9, "label": "drug"}]}
                    ]
                }
            ]
        }
    )
    examples: Annotated[list[AnnotatedText], Field(fail_fast=True, min_length=1, max_length=limits.EXAMPLES)]
