"""What is known of the tokenizer behind a model server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ranit_rag.engines.defusing import defuse
from ranit_rag.engines.grammar import Surface, surface_of
from ranit_rag.errors import ModelNotFoundError


def count_bytes(text: str) -> int:
    """Bytes of the text as it is sent, in UTF-8, and one: byte-level and byte-fallback tokenizers make no more tokens.

    Every token covers at least a byte; SentencePiece may put one more in front. Tokenizers of today make a quarter
    to a third as many tokens of prose, so windows that are sized by this are smaller than they need be.
    """
    return len(defuse(text).encode()) + 1


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer as far as requests depend on it; the default is that of a tokenizer that is not known."""

    count: Callable[[str], int] = count_bytes
    surface: Surface = field(default_factory=Surface)
    special_tokens: tuple[str, ...] = ()


def load_vocabulary(tokenizer: str | Path) -> Vocabulary:
    """Read a tokenizer by its directory or hub name; ModelNotFoundError where there is none."""
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(str(tokenizer))
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"no tokenizer can be loaded from {str(tokenizer)!r}: {str(error).splitlines()[0]}",
            hint="give the directory or hub name of the served model, or leave the tokenizer out",
        ) from error

    special_tokens = tuple(loaded.all_special_tokens)

    def count(text: str) -> int:
        return len(loaded.encode(defuse(text, special_tokens), add_special_tokens=False))

    return Vocabulary(count, surface_of(loaded), special_tokens)
