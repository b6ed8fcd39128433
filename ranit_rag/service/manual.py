"""``/docs``: the OpenAPI document as a page of plain HTML, which needs nothing from elsewhere and no script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid GrayText; padding: 0.5rem 0; }
h2 { font-size: 1.1rem; } h2 code { margin-right: 0.75rem; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid GrayText; border-radius: 4px; }
td, th { text-align: left; vertical-align: top; padding: 0.15rem 1rem 0.15rem 0; }
"""


def manual(document: Mapping[str, Any]) -> str:
    """The page. ``document`` is the OpenAPI document."""
    info = document["info"]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}: HTTP interface</title>',
            '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="docs.css"></head><body>',
            f"<h1>{escape(info['title'])} {escape(info['version'])}: HTTP interface</h1>",
            f"<p>{_prose(info['description'])}</p>",
            '<p>All of it for programs: <a href="openapi.json">openapi.json</a>. <a href="./">The page</a>.</p>',
            *(
                part
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                for part in _operation(path, method, operation, document["components"]["schemas"])
            ),
            "</body></html>",
        ]
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h2><code>{method.upper()} {escape(path)}</code>{escape(operation['summary'])}</h2>"
    yield f"<p>{_prose(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        rows = (
            f"<tr><th><code>{escape(each['name'])}</code></th><td>{escape(_kind(each['schema']))}</td>"
            f"<td>{_prose(each.get('description', ''))}</td></tr>"
            for each in parameters
        )
        yield f"<table>{''.join(rows)}</table>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(kind)}</code></p>"
        for example in _examples(content["schema"], schemas):
            yield f"<pre>{escape(json.dumps(example, ensure_ascii=False, indent=2))}</pre>"
    rows = (
        f"<tr><th>{escape(status)}</th><td>{_prose(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    yield f"<details><summary>Answers</summary><table>{''.join(rows)}</table></details></section>"


def _examples(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Any]:
    """The examples of a schema, and of those that it refers to."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield from schema.get("examples", ())
    for part in schema.get("anyOf", ()):
        yield from _examples(part, schemas)


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(map(_kind, schema["anyOf"]))
    default = f", by default {schema['default']}" if schema.get("default") not in (None, "") else ""
    return f"{schema.get('type', schema.get('const', ''))}{default}"


def _prose(text: str) -> str:
    """Text as HTML, with `code` marked."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
