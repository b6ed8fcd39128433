"""Entities as the metadata of nodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from llama_index.core.extractors import BaseExtractor
from llama_index.core.schema import BaseNode

from llama_index_ranit.transformation import NerTransformation
from ranit_rag import Extraction, Failure

OFFSETS = "entities"
ACCOUNT = "ner"
_ACCOUNTED = ("language", "decisions", "dropped", "coverage")


class RanitEntityExtractor(NerTransformation, BaseExtractor):
    """Writes the entities of each node into its metadata, flat and JSON-serialisable, for filters and for readers.

    ``entities`` is the JSON of all entities with their offsets in the node's text and their scores; for each type
    found, ``entities_<type>`` names its mentions, parted by ``; ``; ``ner`` is the JSON of the language, the judge's
    decisions, what was dropped, and the coverage. Embeddings and prompts see the mentions alone. ``types`` are names
    or ``{name: definition}``, ``ner`` a Ranit, by default ``Ranit()``. Nodes without text get nothing. With
    ``raise_on_error=False`` a node that failed has the error in ``ner``. The engine itself says how much it does at
    once, so ``num_workers`` is of no account.
    """

    @classmethod
    def class_name(cls) -> str:
        return "RanitEntityExtractor"

    async def aextract(self, nodes: Sequence[BaseNode]) -> list[dict[str, Any]]:
        """The metadata of each node. Raises the first failure, unless ``raise_on_error`` is off."""
        extractions = await self._extractions(nodes, show_progress=self.show_progress)
        failed = next((each for each in extractions if isinstance(each, Failure)), None)
        if failed is not None and self.raise_on_error:
            raise failed.error
        return [_metadata(extraction) for extraction in extractions]

    async def aprocess_nodes(
        self,
        nodes: Sequence[BaseNode],
        excluded_embed_metadata_keys: list[str] | None = None,
        excluded_llm_metadata_keys: list[str] | None = None,
        **kwargs: Any,
    ) -> list[BaseNode]:
        return await super().aprocess_nodes(
            nodes,
            excluded_embed_metadata_keys=[*(excluded_embed_metadata_keys or ()), OFFSETS, ACCOUNT],
            excluded_llm_metadata_keys=[*(excluded_llm_metadata_keys or ()), OFFSETS, ACCOUNT],
            **kwargs,
        )


def _metadata(extraction: Extraction | Failure | None) -> dict[str, str]:
    if extraction is None:
        return {}
    if isinstance(extraction, Failure):
        return {ACCOUNT: json.dumps({"error": extraction.to_dict()["error"]}, ensure_ascii=False)}
    contract = extraction.to_dict()
    mentions: dict[str, list[str]] = {}
    for entity in extraction.entities:
        mentions.setdefault(f"{OFFSETS}_{entity.label}", []).append(entity.text)
    return {
        OFFSETS: json.dumps(contract["entities"], ensure_ascii=False),
        **{key: "; ".join(dict.fromkeys(texts)) for key, texts in mentions.items()},
        ACCOUNT: json.dumps({key: contract[key] for key in _ACCOUNTED}, ensure_ascii=False),
    }
