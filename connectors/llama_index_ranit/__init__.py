"""RANIT in LlamaIndex: retriever, judge, extractors, tools, a language model over an engine, and a workflow.

Names load on first use. ``llama_index_ranit.query_pipeline`` has the components for the query pipelines of
llama-index-core 0.12, which later versions replaced by workflows.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ranit_rag.extras import require

if TYPE_CHECKING:
    from llama_index_ranit.extractor import RanitEntityExtractor as RanitEntityExtractor
    from llama_index_ranit.graph import RanitGraphExtractor as RanitGraphExtractor
    from llama_index_ranit.llm import RanitLLM as RanitLLM
    from llama_index_ranit.postprocessor import RelevanceJudgePostprocessor as RelevanceJudgePostprocessor
    from llama_index_ranit.retriever import RanitRetriever as RanitRetriever
    from llama_index_ranit.tool_spec import RanitToolSpec as RanitToolSpec
    from llama_index_ranit.workflow import InDomainEvent as InDomainEvent
    from llama_index_ranit.workflow import NerWorkflow as NerWorkflow
    from llama_index_ranit.workflow import NoExamplesEvent as NoExamplesEvent
    from llama_index_ranit.workflow import OutDomainEvent as OutDomainEvent
    from llama_index_ranit.workflow import TextEvent as TextEvent

_HOME = {
    "InDomainEvent": "workflow",
    "NerWorkflow": "workflow",
    "NoExamplesEvent": "workflow",
    "OutDomainEvent": "workflow",
    "RanitEntityExtractor": "extractor",
    "RanitGraphExtractor": "graph",
    "RanitLLM": "llm",
    "RanitRetriever": "retriever",
    "RanitToolSpec": "tool_spec",
    "RelevanceJudgePostprocessor": "postprocessor",
    "TextEvent": "workflow",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'llama_index_ranit' has no attribute {name!r}")
    require("llama_index.core", extra="llama-index")
    return getattr(importlib.import_module(f"llama_index_ranit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
