"""RANIT in LangChain and LangGraph: extraction as a tool, a runnable and a node; the example stores as a retriever and
an example selector; the engine as a model."""

from ranit_rag.extras import require

require("langchain_core", extra="langchain")

from langchain_ranit.example_selector import RanitExampleSelector  # noqa: E402 — what they need is checked before
from langchain_ranit.models import ChatRanit, RanitLLM  # noqa: E402
from langchain_ranit.retriever import RanitRetriever  # noqa: E402
from langchain_ranit.runnable import RanitExtractor, RanitNode  # noqa: E402
from langchain_ranit.tool import RanitTool  # noqa: E402

__all__ = [
    "ChatRanit",
    "RanitExampleSelector",
    "RanitExtractor",
    "RanitLLM",
    "RanitNode",
    "RanitRetriever",
    "RanitTool",
]
