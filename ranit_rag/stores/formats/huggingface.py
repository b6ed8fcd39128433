"""Hugging Face data sets: tokens with ``ner_tags``, or text with entities; from memory, saved, or as Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError
from ranit_rag.extras import require
from ranit_rag.stores.formats.reading import Defaults, Located, build_example, entity_records
from ranit_rag.stores.formats.tokens import example_of_tokens, joiner_for
from ranit_rag.types import Example

EXTRA = "train"
_TOKEN_COLUMNS = ("tokens", "words")
_TAG_COLUMNS = ("ner_tags", "tags", "labels", "ner")
_PEEKED = 200


def read_saved(path: Path, defaults: Defaults) -> Iterator[Located]:
    """A Parquet file, a directory of them, or what ``save_to_disk`` wrote (all splits). Raises DataError."""
    datasets = require("datasets", extra=EXTRA)
    try:
        if path.is_dir() and not any(path.glob("*.parquet")):
            data = datasets.load_from_disk(str(path))
        else:
            files = [str(path)] if path.is_file() else sorted(str(file) for file in path.glob("*.parquet"))
            data = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
        yield from read_dataset(data, defaults)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is not a saved data set: {error}", hint="give a .parquet file or a saved data set"
        ) from error


def read_dataset(data: Any, defaults: Defaults) -> Iterator[Located]:
    """The rows of a ``datasets.Dataset``, an ``IterableDataset``, or of all splits of a dictionary of them."""
    if isinstance(data, Mapping):
        for split in data.values():
            yield from read_dataset(split, defaults)
        return
    columns = list(data.features or next(iter(data), {}))
    tokens = next((column for column in _TOKEN_COLUMNS if column in columns), None)
    tags = next((column for column in _TAG_COLUMNS if column in columns), None)
    if tokens is not None and tags is not None:
        names = _label_names((data.features or {}).get(tags))
        joiner = joiner_for(token for row in islice(data, _PEEKED) for token in row[tokens])
        for number, row in enumerate(data, start=1):
            yield number, _of_tokens(row[tokens], row[tags], names, joiner, defaults)
    elif "text" in columns and "entities" in columns:
        for number, row in enumerate(data, start=1):
            yield number, _of_text(row, defaults)
    else:
        raise DataError(
            f"the data set has the columns {', '.join(columns)}",
            hint="RANIT reads tokens with ner_tags, or text with entities: rename the columns",
        )


def _label_names(feature: Any) -> list[str] | None:
    """The names of the tags, where the data set's features hold them."""
    inner = getattr(feature, "feature", feature)
    names = getattr(inner, "names", None)
    return None if names is None else list(names)


def _of_tokens(
    tokens: Sequence[str], tags: Sequence[Any], names: list[str] | None, joiner: str, defaults: Defaults
) -> Example | DataError:
    try:
        if len(tokens) != len(tags):
            raise DataError(f"there are {len(tokens)} tokens and {len(tags)} tags")
        return example_of_tokens(list(tokens), [_tag_name(tag, names) for tag in tags], joiner, defaults)
    except DataError as error:
        return error


def _tag_name(tag: Any, names: list[str] | None) -> str:
    if isinstance(tag, str):
        return tag
    if names is None:
        raise DataError(f"tag {tag} is a number and the data set does not name it", hint="give it ClassLabel features")
    if not 0 <= int(tag) < len(names):
        raise DataError(f"tag {tag} has no name: there are {len(names)}")
    return names[int(tag)]


def _of_text(row: Mapping[str, Any], defaults: Defaults) -> Example | DataError:
    entities = row["entities"] or []
    if isinstance(entities, Mapping):  # a list of structs may come as a struct of lists
        keys = list(entities)
        entities = [dict(zip(keys, values, strict=True)) for values in zip(*entities.values(), strict=True)]
    fields = {key: row.get(key) for key in ("domain", "language", "source", "id")}
    try:
        return build_example(row["text"], entities, defaults, **fields)
    except DataError as error:
        return error


def to_dataset(examples: Iterable[Example]) -> Any:
    """A ``datasets.Dataset`` with the columns of the native format."""
    datasets = require("datasets", extra=EXTRA)
    text = datasets.Value("string")
    entity = {"start": datasets.Value("int64"), "end": datasets.Value("int64"), "label": text, "text": text}
    features = {"id": text, "text": text, "entities": [entity], "domain": text, "language": text, "source": text}
    rows = [{**example.to_dict(), "entities": entity_records(example.entities)} for example in examples]
    return datasets.Dataset.from_list(rows, features=datasets.Features(features))


def write_parquet(examples: Iterable[Example], path: Path) -> None:
    """Write a Parquet file that ``datasets`` and ``read_saved`` load."""
    to_dataset(examples).to_parquet(str(path))
