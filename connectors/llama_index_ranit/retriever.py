"""The pool of a text as nodes."""

from __future__ import annotations

import asyncio

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ranit.nodes import example_node
from ranit_rag import Ranit


class RanitRetriever(BaseRetriever):
    """The stored examples nearest to a text, best first; none of them nearly repeats it.

    No judge has looked at them: ``RelevanceJudgePostprocessor`` keeps those that are worth showing. ``ner`` is a Ranit
    with stores, by default ``Ranit()``; ``similarity_top_k`` is how many nodes there are at most, by default all that
    the judge is given.
    """

    def __init__(
        self,
        ner: Ranit | None = None,
        *,
        similarity_top_k: int | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager=callback_manager)
        self.ner = ner if ner is not None else Ranit()
        self.similarity_top_k = similarity_top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [example_node(shown) for shown in self.ner.pool(query_bundle.query_str)[: self.similarity_top_k]]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
