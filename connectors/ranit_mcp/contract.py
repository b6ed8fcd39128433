"""What the tools return, as MCP publishes it: JSON schemas, that of an extraction being RANIT's contract."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from ranit_rag import AddReport


def _contract() -> dict[str, Any]:
    text = (resources.files("ranit_rag") / "schemas" / "extraction.v1.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _batch() -> dict[str, Any]:
    """Extractions, and failures in the place of those that failed."""
    extraction = _contract()
    definitions = extraction.pop("$defs")
    extraction = {key: value for key, value in extraction.items() if not key.startswith("$")}
    results = {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/extraction"}, {"$ref": "#/$defs/failure"}]}}
    return {
        "type": "object",
        "properties": {"results": results},
        "required": ["results"],
        "additionalProperties": False,
        "$defs": {**definitions, "extraction": extraction},
    }


EXTRACTION_SCHEMA = _contract()
BATCH_SCHEMA = _batch()
REPORT_SCHEMA = TypeAdapter(AddReport).json_schema()
