"""Passages: the pieces of raw text that are annotated, whole sentences up to a number of tokens."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ranit_rag.errors import ModelNotFoundError
from ranit_rag.text import split_windows
from ranit_training.sources import Document

MAX_TOKENS = 256  # as in the paper

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document without blanks around it; ``start`` is its offset there."""

    text: str
    origin: str
    start: int


def cut_passages(
    documents: Iterable[Document],
    count_tokens: CountTokens,
    *,
    max_tokens: int = MAX_TOKENS,
    min_letters: int = 20,
    on_left_out: Callable[[str], None] = lambda _: None,
) -> Iterator[Passage]:
    """Whole sentences of at most ``max_tokens`` together; a longer sentence is cut where it does least harm.

    Pieces with fewer than ``min_letters`` letters (headings, tables of numbers) are left out, and told if not blank.
    """
    for document in documents:
        windows = split_windows(document.text, max_tokens=max_tokens, overlap_tokens=0, count_tokens=count_tokens)
        for window in windows:
            piece = document.text[window.start : window.end]
            text = piece.strip()
            if sum(map(str.isalpha, text)) >= min_letters:
                yield Passage(text, document.origin, window.start + len(piece) - len(piece.lstrip()))
            elif text:
                on_left_out(text)


def sample_passages(passages: Iterable[Passage], count: int, seed: int) -> list[Passage]:
    """``count`` of the passages, each equally likely, in their order; memory holds no more than those."""
    rng = random.Random(seed)
    kept: list[tuple[int, Passage]] = []
    for number, passage in enumerate(passages):  # reservoir sampling (Vitter's algorithm R)
        if number < count:
            kept.append((number, passage))
        elif (place := rng.randrange(number + 1)) < count:
            kept[place] = (number, passage)
    return [passage for _, passage in sorted(kept, key=lambda item: item[0])]


def load_token_counter(tokenizer: str | Path | None) -> CountTokens:
    """Counts tokens with a ``tokenizer.json``: a model's directory, the file, or a hub name.

    None is the embedded model's, whose vocabulary is small: its 256 tokens are no more than 256 of a larger one.
    Raises ModelNotFoundError.
    """
    from tokenizers import Tokenizer

    from ranit_rag.engines.checkpoint import embedded_model

    path = embedded_model() if tokenizer is None else Path(tokenizer)
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        loaded = Tokenizer.from_file(str(file)) if file.is_file() else Tokenizer.from_pretrained(str(tokenizer))
    except Exception as error:  # tokenizers raises bare Exceptions
        raise ModelNotFoundError(
            f"no tokenizer can be loaded from {str(tokenizer)!r}: {error}",
            hint="give a model's directory, its tokenizer.json, or a hub name",
        ) from error
    loaded.no_truncation()
    loaded.no_padding()
    return lambda text: len(loaded.encode(text, add_special_tokens=False))
