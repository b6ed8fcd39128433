"""RANIT in spaCy: ``nlp.add_pipe("ranit", config={"types": ["drug", "disease"]})``."""

from ranit_rag.extras import require

require("spacy", extra="spacy")

from spacy_ranit.pipe import RanitPipe  # noqa: E402 — what it needs is checked before

__all__ = ["RanitPipe"]
