"""CoNLL: a token on each line with its label in a column, a blank line after each sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from ranit_rag.errors import DataError
from ranit_rag.stores.formats.reading import Defaults, Located, lines
from ranit_rag.stores.formats.tokens import cut_tokens, example_of_tokens, is_tag, joiner_for, without_overlaps
from ranit_rag.types import Example

_PEEKED = 200  # sentences, to tell how tokens are joined


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where token and label stand: columns counted from 0, or from the end with negative numbers.

    ``separator`` None: tabs where the line has one, else any blanks. ``joiner`` stands between tokens in the text;
    None: nothing where the file is Chinese, else a blank.
    """

    token: int = 0
    tag: int = -1
    separator: str | None = None
    joiner: str | None = None


@dataclass(slots=True)
class _Sentence:
    line: int
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    error: DataError | None = None


def read_conll(path: Path, defaults: Defaults, layout: ColumnLayout) -> Iterator[Located]:
    """One example from each sentence, at the line where it begins or breaks; ``-DOCSTART-`` and comments make none"""
    sentences = _sentences(path, layout)
    peeked = list(islice(sentences, _PEEKED))
    joiner = layout.joiner
    if joiner is None:
        joiner = joiner_for(token for sentence in peeked for token in sentence.tokens)
    for sentence in chain(peeked, sentences):
        if sentence.error is not None:
            yield sentence.line, sentence.error
        else:
            try:
                yield sentence.line, example_of_tokens(sentence.tokens, sentence.tags, joiner, defaults)
            except DataError as error:
                yield sentence.line, error


def _sentences(path: Path, layout: ColumnLayout) -> Iterator[_Sentence]:
    needed = max(column + 1 if column >= 0 else -column for column in (layout.token, layout.tag))
    sentence: _Sentence | None = None
    for number, line in lines(path):
        if isinstance(line, str) and (not line.strip() or line.startswith("-DOCSTART-")):
            if sentence is not None:
                yield sentence
            sentence = None
            continue
        error = line if isinstance(line, DataError) else None
        columns = [] if isinstance(line, DataError) else _columns(line, layout.separator)
        if sentence is None:
            if _is_comment(columns, layout.tag):
                continue
            sentence = _Sentence(number)
        if error is None and (len(columns) < needed or len(columns) == 1):
            error = DataError(
                f"the line {line!r} has {len(columns)} columns",
                hint="give the columns of token and label, and the separator",
            )
        if error is not None and sentence.error is None:
            sentence.line, sentence.error = number, error
        if sentence.error is None:
            sentence.tokens.append(columns[layout.token])
            sentence.tags.append(columns[layout.tag].strip())
    if sentence is not None:
        yield sentence


def _columns(line: str, separator: str | None) -> list[str]:
    if separator is not None:
        return line.split(separator)
    return line.split("\t") if "\t" in line else line.split()


def _is_comment(columns: list[str], tag: int) -> bool:
    """Comments stand before a sentence; a sentence may itself begin with the token ``#``, which then has a label."""
    if not columns or not columns[0].startswith("#"):
        return False
    return len(columns) == 1 or not is_tag(columns[tag] if -len(columns) <= tag < len(columns) else "")


def conll_lines(examples: Iterable[Example]) -> Iterator[str]:
    """Token, tab, BIO label; of entities that overlap only the longest can be told."""
    for example in examples:
        entities = iter(without_overlaps(example.entities))
        entity, prefix = next(entities, None), "B"
        for start, end in cut_tokens(example.text, example.entities):
            while entity is not None and entity.end <= start:
                entity, prefix = next(entities, None), "B"
            tag = "O"
            if entity is not None and entity.start <= start:
                tag, prefix = f"{prefix}-{entity.label}", "I"
            yield f"{example.text[start:end]}\t{tag}\n"
        yield "\n"
