"""Entities as the nodes of a property graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.async_utils import asyncio_run
from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, TRIPLET_SOURCE_KEY, EntityNode, Relation
from llama_index.core.schema import BaseNode

from llama_index_ranit.transformation import NerTransformation
from ranit_rag import Entity, Extraction, Failure

MENTIONS = "MENTIONS"


class RanitGraphExtractor(NerTransformation):
    """For ``PropertyGraphIndex(kg_extractors=[…])``: an EntityNode for each name, and who mentions it, and where.

    A graph knows entities by their names. A relation ``MENTIONS`` leads from a chunk to each name in it; its properties
    ``labels``, ``starts``, ``ends`` and, where the engine knows them, ``scores`` are lists with an item for each
    mention, offsets in the chunk's text. A name of several types has the label of its first mention.
    """

    @classmethod
    def class_name(cls) -> str:
        return "RanitGraphExtractor"

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        found: Sequence[BaseNode] = asyncio_run(self.acall(nodes, **kwargs))
        return found

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Adds to what extractors before it found in the nodes, as ``PropertyGraphIndex`` expects it in metadata."""
        extractions = await self._extractions(nodes, show_progress=bool(kwargs.get("show_progress")))
        for node, extraction in zip(nodes, extractions, strict=True):
            if isinstance(extraction, Failure):
                raise extraction.error
            names = {} if extraction is None else _by_name(extraction)
            entities = [EntityNode(name=name, label=found[0].label) for name, found in names.items()]
            relations = [
                Relation(label=MENTIONS, source_id=node.node_id, target_id=entity.id, properties=_places(found))
                for entity, found in zip(entities, names.values(), strict=True)
            ]
            node.metadata[KG_NODES_KEY] = [*node.metadata.get(KG_NODES_KEY, []), *entities]
            node.metadata[KG_RELATIONS_KEY] = [*node.metadata.get(KG_RELATIONS_KEY, []), *relations]
            # Retrievers show the text that a triplet's subject names as its source: here the subject is that text.
            node.metadata[TRIPLET_SOURCE_KEY] = node.node_id
            node.excluded_embed_metadata_keys.append(TRIPLET_SOURCE_KEY)
            node.excluded_llm_metadata_keys.append(TRIPLET_SOURCE_KEY)
        return nodes


def _by_name(extraction: Extraction) -> dict[str, list[Entity]]:
    names: dict[str, list[Entity]] = {}
    for entity in extraction.entities:
        names.setdefault(entity.text, []).append(entity)
    return names


def _places(mentions: Sequence[Entity]) -> dict[str, list[str] | list[int] | list[float]]:
    scores = [mention.score for mention in mentions if mention.score is not None]
    return {
        "labels": [mention.label for mention in mentions],
        "starts": [mention.start for mention in mentions],
        "ends": [mention.end for mention in mentions],
        **({"scores": scores} if len(scores) == len(mentions) else {}),
    }
