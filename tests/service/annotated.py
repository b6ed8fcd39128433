"""Annotated texts to send."""

from __future__ import annotations

from typing import Any


def metformin(word: str = "Metformin") -> dict[str, Any]:
    """An annotated text, as requests carry it."""
    text = f"{word} lowers blood sugar in adults."
    return {"text": text, "entities": [{"start": 0, "end": len(word), "label": "drug"}]}
