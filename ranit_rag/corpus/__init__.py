"""Corpora: texts read from files as a stream, and runs over them that lose nothing when they are killed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranit_rag.corpus.cluster import ray_extract as ray_extract
    from ranit_rag.corpus.files import Corpus as Corpus
    from ranit_rag.corpus.files import find_files as find_files
    from ranit_rag.corpus.records import Record as Record
    from ranit_rag.corpus.records import Unreadable as Unreadable
    from ranit_rag.corpus.run import Policy as Policy
    from ranit_rag.corpus.run import extract_corpus as extract_corpus
    from ranit_rag.corpus.summary import Prices as Prices
    from ranit_rag.corpus.summary import Summary as Summary

_HOME = {
    "Corpus": "ranit_rag.corpus.files",
    "Policy": "ranit_rag.corpus.run",
    "Prices": "ranit_rag.corpus.summary",
    "Record": "ranit_rag.corpus.records",
    "Summary": "ranit_rag.corpus.summary",
    "Unreadable": "ranit_rag.corpus.records",
    "extract_corpus": "ranit_rag.corpus.run",
    "find_files": "ranit_rag.corpus.files",
    "ray_extract": "ranit_rag.corpus.cluster",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ranit_rag.corpus' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
