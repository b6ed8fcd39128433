"""The example stores as a retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from ranit_rag import Ranit, ShownExample


class RanitRetriever(BaseRetriever):
    """Annotated examples that are worth showing with the query, best first, or none where the judge finds none is.

    ``ner`` does the work, with its stores, judge and strategy. ``types`` are those that will be asked for, which tell
    the judge more than the text alone. ``k`` bounds the documents, as the Ranit's own ``k`` does. With ``judged=False``
    nobody judges: the ``k`` nearest examples of all stores come (``k`` None: the whole pool).

    A document is an example's text; its metadata hold ``id``, ``domain``, ``language``, ``source``, ``entities`` (as in
    the JSON contract), ``similarity`` and ``bm25``, and where it was judged ``route`` and ``reason``.
    """

    ner: Ranit = Field(default_factory=Ranit, exclude=True, repr=False)
    types: list[str] | dict[str, str] | None = None
    k: int | None = Field(default=None, ge=1)
    judged: bool = True

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 — there is nothing to trace below
        k: int | None = None,
    ) -> list[Document]:
        wanted = k or self.k
        if not self.judged:
            return [_document(shown) for shown in self.ner.pool(query)[:wanted]]
        decision = self.ner.decide(query, self.types)
        verdict = {"route": decision.route, "reason": decision.reason}
        return [_document(shown, **verdict) for shown in decision.examples[:wanted]]


def _document(shown: ShownExample, **verdict: Any) -> Document:
    record = shown.example.to_dict()
    text = record.pop("text")
    metadata = {**record, "similarity": shown.similarity, "bm25": shown.bm25, **verdict}
    return Document(id=shown.example.id, page_content=text, metadata=metadata)
