"""Records: a text to read with what its line of JSON, or its row of a table, says beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ranit_rag.errors import DataError
from ranit_rag.types import Example

_FIELDS = ("id", "text", "types", "examples", "language")
_JSONL_HINT = 'a line is one object: {"text": "…"}; plain text is read with --input-format text or lines'


@dataclass(frozen=True, slots=True)
class Record:
    """A text to read, and what its line of JSON says beside it; ``origin`` is where it came from, for messages.

    ``types``, ``examples`` and ``language`` are None where the record leaves them to the command line. ``meta`` holds
    the fields that mean nothing here and are handed through.
    """

    text: str
    origin: str = ""
    id: Any = None
    types: Sequence[str] | Mapping[str, str] | None = None
    examples: tuple[Example, ...] | None = None
    language: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is not one; ``text`` holds what stands in its place, as far as it can be shown."""

    text: str
    origin: str
    error: DataError


def read_examples(path: Path) -> tuple[Example, ...]:
    """The examples of a JSONL file. Raises DataError that names the line of the first bad one."""
    with path.open("rb") as stream:
        return parse_examples(stream, str(path))


def parse_examples(stream: Iterable[bytes], origin: str) -> tuple[Example, ...]:
    """The examples of the lines of JSON in ``stream``. Raises DataError that names the first bad one by its line."""
    examples = []
    for number, line in enumerate(stream, 1):
        try:
            examples += [_example(_parsed(_text(line)))] if line.strip() else []
        except DataError as error:
            raise located(error, f"{origin}:{number}") from error
    if not examples:
        raise DataError(
            f"{origin} holds no examples", hint='a line is {"text": "…", "entities": {"type": ["mention"]}}'
        )
    return tuple(examples)


def plain_record(data: bytes, origin: str, name: str) -> Record | Unreadable:
    """The record of a text's bytes; a ``name`` becomes its id."""
    try:
        return Record(_text(data), origin, id=name or None)
    except DataError as error:
        return Unreadable(data.decode("utf-8", "replace"), origin, located(error, origin))


def json_record(line: bytes, origin: str) -> Record | Unreadable:
    """The record of a line of JSON."""
    try:
        return record_of(_parsed(_text(line)), origin)
    except DataError as error:
        return Unreadable(line.decode("utf-8", "replace"), origin, located(error, origin))


def holds_text(line: bytes) -> bool:
    """Whether a line is a JSON object with a text."""
    try:
        return "text" in _parsed(_text(line))
    except DataError:
        return False


def record_of(fields: Mapping[str, Any], origin: str) -> Record:
    """The record that the fields of an object make. Raises DataError for the first that is not what it must be."""
    text, types, examples, language = (fields.get(name) for name in ("text", "types", "examples", "language"))
    if not isinstance(text, str):
        _refuse("the record has no text", '{"text": "…"}')
    if not _are_types(types):
        _refuse(f"types is {types!r}", '["drug", "disease"] or {"drug": "a definition"}')
    if not isinstance(language, str | None):
        _refuse(f"language is {language!r}", '"en" or "zh"')
    if not isinstance(examples, list | None):
        _refuse(f"examples is {examples!r}", "a list of examples")
    shown = None if examples is None else tuple(_example(each) for each in examples)
    meta = {name: value for name, value in fields.items() if name not in _FIELDS}
    return Record(text, origin, fields.get("id"), types, shown, language, meta)


def _are_types(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(definition, str) for definition in value.values())
    return value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _example(fields: object) -> Example:
    """An example with entities as spans, or as ``{type: [mention, …]}`` for every place where the mentions stand."""
    if not isinstance(fields, Mapping):
        _refuse(f"an example is {fields!r}", '{"text": "…", "entities": {"drug": ["Aspirin"]}}')
    mentions = fields.get("entities")
    if not isinstance(mentions, Mapping):
        return Example.from_dict(fields)
    if not all(isinstance(m, list) and all(isinstance(each, str) for each in m) for m in mentions.values()):
        _refuse(f"entities is {mentions!r}", '{"drug": ["Aspirin"]}')
    bare = Example.from_dict({**fields, "entities": ()})
    return Example.from_mentions(
        bare.text,
        mentions,
        domain=bare.domain,
        language=bare.language,
        source=bare.source,
        id=str(fields.get("id") or ""),
    )


def _refuse(problem: str, wanted: str) -> NoReturn:
    raise DataError(problem, hint=f"it must be {wanted}")


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line, parse_constant=_refuse_number, parse_float=_finite)
    except ValueError as error:
        raise DataError(f"not JSON: {error}", hint=_JSONL_HINT) from error
    except RecursionError as error:
        raise DataError("the JSON is nested too deeply", hint=_JSONL_HINT) from error
    if not isinstance(fields, Mapping):
        raise DataError(f"the line is not a JSON object but {str(fields)[:60]!r}", hint=_JSONL_HINT)
    return fields


def _finite(digits: str) -> float:
    return number if math.isfinite(number := float(digits)) else _refuse_number(digits)


def _refuse_number(name: str) -> NoReturn:
    raise DataError(f"{name} is no number that JSON can hold", hint="write null, or a string")


def _text(data: bytes) -> str:
    """UTF-8 text without its byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}",
            hint="convert it first, for example: iconv -f gb18030 -t utf-8",
        ) from error


def located(error: DataError, place: str) -> DataError:
    """The error with the place where it happened before its message."""
    return DataError(f"{place}: {error.message}", hint=error.hint)
