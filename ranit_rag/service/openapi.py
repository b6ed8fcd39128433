"""The OpenAPI document: the routes as FastAPI knows them, with RANIT's contract of an extraction."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_REF = "#/components/schemas/"


def _answer(told: str, schema: str) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": {"$ref": _REF + schema}}}}


ERRORS: dict[int | str, dict[str, Any]] = {
    400: _answer("The body is not what its type says.", "Error"),
    401: _answer("No known key.", "Error"),
    403: _answer("The key, or the store, may not be written with.", "Error"),
    404: _answer("There is no such store, or nothing at this address.", "Error"),
    413: _answer("The body is too long.", "Error"),
    422: _answer("The request is not as it should be.", "Error"),
    503: _answer("The server is opening or stopping, or the stores cannot be read.", "Error"),
}
BUSY: dict[int | str, dict[str, Any]] = {
    429: _answer("The queue is full: ask again after Retry-After seconds.", "Error")
    | {"headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}},
    504: _answer("It took longer than the deadline.", "Error"),
}
EXTRACT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An extraction, or results for several texts; or events that tell them.",
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"$ref": _REF + "Extraction"}, {"$ref": _REF + "Results"}]},
            },
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
    **BUSY,
    502: _answer("The model server failed.", "Error"),
}
EXPORT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An example on each line, as import reads it.",
        "content": {"application/jsonl": {"schema": {"type": "string"}}},
    }
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
IMPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": _FILE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}


def document(app: FastAPI, *, keys_needed: bool) -> Callable[[], dict[str, Any]]:
    """What makes the document of an app, once. It tells of keys where they are needed."""

    def made() -> dict[str, Any]:
        if not app.openapi_schema:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            schema["components"]["schemas"] |= _contract()
            if not keys_needed:
                _leave_out_keys(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    return made


def _leave_out_keys(schema: dict[str, Any]) -> None:
    del schema["components"]["securitySchemes"]
    for path in schema["paths"].values():
        for operation in path.values():
            operation.pop("security", None)


def _contract() -> dict[str, Any]:
    """The schemas of extractions, results and errors as components."""
    text = (resources.files("ranit_rag") / "schemas" / "extraction.v1.json").read_text("utf-8")
    extraction = json.loads(text.replace("#/$defs/", f"{_REF}Extraction_"))
    parts = {f"Extraction_{name}": part for name, part in extraction.pop("$defs").items()}
    extraction = {key: value for key, value in extraction.items() if not key.startswith("$")}
    extraction["properties"]["explanations"] = {"type": "array", "items": {"$ref": f"{_REF}ExplanationAnswer"}}
    told = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("type", "message", "hint", "request_id")}
        | {"problems": {"type": "array", "items": {"$ref": f"{_REF}ProblemAnswer"}}},
        "required": ["type", "message", "hint", "request_id"],
        "additionalProperties": False,
    }
    error = {
        "type": "object",
        "properties": {"error": told},
        "required": ["error"],
        "additionalProperties": False,
    }
    result = {"anyOf": [{"$ref": f"{_REF}Extraction"}, {"$ref": f"{_REF}Error"}]}
    results = {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": result},
            "usage": {"$ref": f"{_REF}Extraction_usage"},
        },
        "required": ["results", "usage"],
        "additionalProperties": False,
    }
    return {**parts, "Extraction": extraction, "Error": error, "Results": results}
