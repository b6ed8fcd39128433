"""JSON lines, the native format: ``{"text", "entities": [{"start", "end", "label", "text"?}], …}`` on each line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError
from ranit_rag.stores.formats.reading import Defaults, Located, build_example, lines
from ranit_rag.types import Example


def read_jsonl(path: Path, defaults: Defaults) -> Iterator[Located]:
    """One example from each line; blank lines are passed over. ``lang`` is understood for ``language``."""
    for number, line in lines(path):
        if isinstance(line, DataError):
            yield number, line
        elif line.strip():
            try:
                yield number, _example(parse_object(line), defaults)
            except DataError as error:
                yield number, error


def _example(record: dict[str, Any], defaults: Defaults) -> Example:
    entities = record.get("entities") or []
    if not isinstance(entities, list):
        raise DataError(f"entities must be a list, not {type(entities).__name__}")
    fields = {key: record.get(key) for key in ("domain", "source", "id")}
    return build_example(
        record.get("text"), entities, defaults, language=record.get("language") or record.get("lang"), **fields
    )


def parse_object(line: str) -> dict[str, Any]:
    """The JSON object of a line. Raises DataError."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the line is not JSON: {error}", hint="each line holds one JSON object") from error
    if not isinstance(record, dict):
        raise DataError(f"the line holds a {type(record).__name__}", hint="each line holds one JSON object")
    return record


def jsonl_lines(examples: Iterable[Example]) -> Iterator[str]:
    """The lines to write, with their line ends."""
    for example in examples:
        yield json.dumps(example.to_dict(), ensure_ascii=False) + "\n"
