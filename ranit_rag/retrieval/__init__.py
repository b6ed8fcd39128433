"""Retrieval: which stored examples are worth showing for a text, and why. Names load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranit_rag.retrieval.base import GivenExamples as GivenExamples
    from ranit_rag.retrieval.base import Retriever as Retriever
    from ranit_rag.retrieval.embedding import default_embedder as default_embedder
    from ranit_rag.retrieval.embedding import load_embedder as load_embedder
    from ranit_rag.retrieval.judge import AskModel as AskModel
    from ranit_rag.retrieval.judge import Calibrated as Calibrated
    from ranit_rag.retrieval.judge import Case as Case
    from ranit_rag.retrieval.judge import Judge as Judge
    from ranit_rag.retrieval.judge import Verdict as Verdict
    from ranit_rag.retrieval.retriever import StoreRetriever as StoreRetriever
    from ranit_rag.retrieval.strategies import STRATEGIES as STRATEGIES

_HOME = {
    "AskModel": "judge",
    "Calibrated": "judge",
    "Case": "judge",
    "GivenExamples": "base",
    "Judge": "judge",
    "Retriever": "base",
    "STRATEGIES": "strategies",
    "StoreRetriever": "retriever",
    "Verdict": "judge",
    "default_embedder": "embedding",
    "load_embedder": "embedding",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ranit_rag.retrieval' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ranit_rag.retrieval.{_HOME[name]}"), name)
