"""The relevance judge as a node postprocessor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from ranit_rag import Decision, Ranit
from ranit_rag.errors import InputError


class RelevanceJudgePostprocessor(BaseNodePostprocessor):
    """Keeps those nodes of a ``RanitRetriever`` that the judge would show with the text, best first; often none.

    The query is the text. ``types`` are those that will be asked for, as names or ``{name: definition}``; they are
    evidence too. What is no example of the stores of ``ner`` is dropped, for nothing is known of it.
    """

    types: list[str] | dict[str, str] | None = Field(default=None, description="The entity types that are asked for.")
    _ner: Ranit = PrivateAttr()

    def __init__(
        self, ner: Ranit | None = None, *, types: list[str] | dict[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(**options | {"types": types})
        self._ner = ner if ner is not None else Ranit()

    @classmethod
    def class_name(cls) -> str:
        return "RelevanceJudgePostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InputError("the judge has no text to judge for", hint="give query_str, the text")
        decision = among(self._ner.decide(query_bundle.query_str, self.types), nodes)
        given = {node.node_id: node.node for node in nodes}
        return [NodeWithScore(node=given[shown.example.id], score=shown.similarity) for shown in decision.examples]


def among(decision: Decision, nodes: Sequence[NodeWithScore]) -> Decision:
    """The decision less the examples that are not among the nodes, of which the reason then tells."""
    given = {node.node_id for node in nodes}
    shown = tuple(item for item in decision.examples if item.example.id in given)
    left_out = len(decision.examples) - len(shown)
    if not left_out:
        return decision
    return replace(
        decision,
        route=decision.route if shown else "none",
        store=decision.store if shown else None,
        examples=shown,
        reason=f"{decision.reason}; {left_out} of {len(decision.examples)} left out, not among the nodes given",
    )
