"""Extractions, decisions, examples, stores and tables as HTML.

Fragments are for notebooks and web pages: they bring their style, scoped to the class ``ranit``, hold no script, and go
with a light theme and a dark one. ``page`` needs nothing beside it. Whatever a text holds, it stays text.
"""

from ranit_rag.html.decision import decision_fragment
from ranit_rag.html.extraction import example_fragment, failure_fragment, fragment, page
from ranit_rag.html.marks import hues_of
from ranit_rag.html.parts import PALETTE, escape, styled, table
from ranit_rag.html.stores import StoreCard, store_fragment, stores_fragment

__all__ = [
    "PALETTE",
    "StoreCard",
    "decision_fragment",
    "escape",
    "example_fragment",
    "failure_fragment",
    "fragment",
    "hues_of",
    "page",
    "store_fragment",
    "stores_fragment",
    "styled",
    "table",
]
