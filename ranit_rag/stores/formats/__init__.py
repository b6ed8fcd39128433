"""Files of examples: read and written as JSONL, CoNLL, conversations, Hugging Face data sets, Label Studio and spaCy.

Readers stream where the format allows it and never stop at a broken record: it comes as a DataError in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from ranit_rag.errors import DataError, InputError
from ranit_rag.stores.formats.conll import ColumnLayout, conll_lines, read_conll
from ranit_rag.stores.formats.docbin import read_docbin, write_docbin
from ranit_rag.stores.formats.huggingface import read_dataset, read_saved, to_dataset, write_parquet
from ranit_rag.stores.formats.jsonl import jsonl_lines, read_jsonl
from ranit_rag.stores.formats.label_studio import label_studio_json, read_label_studio
from ranit_rag.stores.formats.reading import Defaults, Located, read_head
from ranit_rag.stores.formats.sharegpt import read_sharegpt, sharegpt_lines
from ranit_rag.types import Example

__all__ = ["FORMATS", "ColumnLayout", "Format", "Located", "read_examples", "to_dataset", "write_examples"]

Format = Literal["jsonl", "conll", "sharegpt", "huggingface", "label-studio", "spacy"]
FORMATS: tuple[Format, ...] = get_args(Format)

_BY_SUFFIX: dict[str, Format] = {
    ".conll": "conll", ".bio": "conll", ".bioes": "conll", ".bmes": "conll", ".iob": "conll", ".iob2": "conll",
    ".tsv": "conll", ".txt": "conll", ".parquet": "huggingface", ".arrow": "huggingface", ".spacy": "spacy",
}  # fmt: skip


def read_examples(
    source: str | Path | Any,
    format: Format | Literal["auto"] = "auto",
    *,
    domain: str = "",
    language: str = "",
    layout: ColumnLayout | None = None,
) -> Iterator[Located]:
    """The examples of a file, or of a ``datasets.Dataset`` in memory: ``(line, Example)`` or ``(line, DataError)``.

    Names may end in .gz or .xz. ``domain`` and ``language`` are for records that say nothing of them; ``layout`` tells
    the columns of a CoNLL file. Raises DataError where the file as a whole cannot be read, InputError where a choice
    is wrong.
    """
    defaults = Defaults(domain, language)
    if not isinstance(source, str | Path):
        return read_dataset(source, defaults)
    path = Path(source)
    if not path.exists():
        raise DataError(f"there is no file {path}", hint="check the path")
    chosen = detect_format(path) if format == "auto" else as_format(format)
    if layout is not None and chosen != "conll":
        raise InputError(f"{path} is read as {chosen}, which has no columns", hint="give format='conll', or no layout")
    match chosen:
        case "jsonl":
            return read_jsonl(path, defaults)
        case "conll":
            return read_conll(path, defaults, layout or ColumnLayout())
        case "sharegpt":
            return read_sharegpt(path, defaults)
        case "huggingface":
            return read_saved(path, defaults)
        case "label-studio":
            return read_label_studio(path, defaults)
        case "spacy":
            return read_docbin(path, defaults)


def as_format(format: str) -> Format:
    """The format of this name. Raises InputError that names them all where there is none."""
    for known in FORMATS:
        if format == known:
            return known
    raise InputError(f"{format!r} is not a format of examples", hint=f"formats are {', '.join(FORMATS)}")


def detect_format(path: Path) -> Format:
    """The format by the name of a file, and for JSON by its first record. Raises DataError where neither tells."""
    if path.is_dir():
        return "huggingface"
    suffix = Path(path.stem).suffix if path.suffix in (".gz", ".xz") else path.suffix
    if suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[suffix.lower()]
    if suffix.lower() not in (".json", ".jsonl", ".ndjson"):
        raise DataError(f"the name of {path} does not tell its format", hint=f"give one of {', '.join(FORMATS)}")
    head = read_head(path).decode("utf-8-sig", "replace").lstrip()
    if '"conversations"' in head or '"messages"' in head:
        return "sharegpt"
    return "label-studio" if head.startswith("[") else "jsonl"


def write_examples(examples: Iterable[Example], path: str | Path, format: Format | Literal["auto"] = "auto") -> None:
    """Write a file that ``read_examples`` reads again. ``auto`` takes the format from the name, JSONL for .json.

    CoNLL keeps no white space and no entities within others; conversations keep no offsets.
    """
    path = Path(path)
    chosen: Format = as_format(format) if format != "auto" else _BY_SUFFIX.get(path.suffix.lower(), "jsonl")
    try:
        match chosen:
            case "huggingface":
                write_parquet(examples, path)
            case "spacy":
                write_docbin(examples, path)
            case _:
                with path.open("w", encoding="utf-8", newline="\n") as file:
                    file.writelines(text_lines(examples, chosen))
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}", hint="check the path and the disk"
        ) from error


def text_lines(examples: Iterable[Example], format: Format) -> Iterator[str]:
    """What is written to a text file, piece by piece: for standard output. Raises InputError for a binary format."""
    match format:
        case "jsonl":
            yield from jsonl_lines(examples)
        case "conll":
            yield from conll_lines(examples)
        case "sharegpt":
            yield from sharegpt_lines(examples)
        case "label-studio":
            yield label_studio_json(examples)
        case _:
            raise InputError(f"{format} is not a text format", hint="write it to a file")
