"""Components for the query pipelines of llama-index-core 0.12; on later versions see ``llama_index_ranit.workflow``.

>>> pipeline = QueryPipeline(chain=[RetrieverComponent(ner), JudgeComponent(ner), NerComponent(ner)])  # doctest: +SKIP
>>> extraction = pipeline.run(text="Aspirin eased her migraine.", types=["drug"])  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import NodeWithScore

from llama_index_ranit.postprocessor import among
from llama_index_ranit.retriever import RanitRetriever
from ranit_rag import Decision, Ranit
from ranit_rag.errors import MissingExtraError

try:
    from llama_index.core.base.query_pipeline.query import CustomQueryComponent
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "llama-index-core has no query pipelines since version 0.13",
        hint="use llama_index_ranit.NerWorkflow, or pip install 'llama-index-core<0.13'",
    ) from error

Types = list[str] | dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A text and what is asked of it, with its pool. A component of your own may take nodes out."""

    text: str
    types: Types
    nodes: list[NodeWithScore]


@dataclass(frozen=True, slots=True)
class Judged:
    """A text and what is asked of it, with the decision which of its pool is shown."""

    text: str
    types: Types
    decision: Decision


class _Component(CustomQueryComponent):
    """One thing in, one thing out."""

    _ner: Ranit = PrivateAttr()

    def __init__(self, ner: Ranit | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._ner = ner if ner is not None else Ranit()


class RetrieverComponent(_Component):
    """``text`` and, if you like, ``types`` in; ``retrieved`` out: the pool."""

    @property
    def _input_keys(self) -> set[str]:
        return {"text"}

    @property
    def _optional_input_keys(self) -> set[str]:
        return {"types"}

    @property
    def _output_keys(self) -> set[str]:
        return {"retrieved"}

    def _run_component(self, *, text: str, types: Types = None) -> dict[str, Retrieved]:
        return {"retrieved": Retrieved(text, types, RanitRetriever(self._ner).retrieve(text))}

    async def _arun_component(self, *, text: str, types: Types = None) -> dict[str, Retrieved]:
        return {"retrieved": Retrieved(text, types, await RanitRetriever(self._ner).aretrieve(text))}


class JudgeComponent(_Component):
    """``retrieved`` in, ``judged`` out: the decision, with those of its examples that are still in the pool."""

    @property
    def _input_keys(self) -> set[str]:
        return {"retrieved"}

    @property
    def _output_keys(self) -> set[str]:
        return {"judged"}

    def _run_component(self, *, retrieved: Retrieved) -> dict[str, Judged]:
        decision = among(self._ner.decide(retrieved.text, retrieved.types), retrieved.nodes)
        return {"judged": Judged(retrieved.text, retrieved.types, decision)}

    async def _arun_component(self, *, retrieved: Retrieved) -> dict[str, Judged]:
        return await asyncio.to_thread(self._run_component, retrieved=retrieved)


class NerComponent(_Component):
    """``judged`` in, ``extraction`` out."""

    @property
    def _input_keys(self) -> set[str]:
        return {"judged"}

    @property
    def _output_keys(self) -> set[str]:
        return {"extraction"}

    def _run_component(self, *, judged: Judged) -> dict[str, Any]:
        return {"extraction": self._ner.extract(judged.text, judged.types, decisions=[judged.decision])}

    async def _arun_component(self, *, judged: Judged) -> dict[str, Any]:
        return {"extraction": await self._ner.aextract(judged.text, judged.types, decisions=[judged.decision])}
