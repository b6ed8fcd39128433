"""The grammar of an answer: JSON whose strings are spans of the source text, as llguidance reads it.

Under this grammar an entity that does not stand in the text cannot be written, an instruction hidden in the text
cannot change the form of the answer, and every finished answer parses. A span is a run of whole chunks of the text:
words, runs of digits, single characters for the rest and for scripts without blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ranit_rag.prompts.conversation import AnswerForm

_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a"
    "\u064b-\u065f\u0900-\u0903\u093a-\u094f\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f"
)
# Scripts whose words are not set off by blanks: Thai to Myanmar, Khmer, kana, Han, Hangul, and beyond the BMP.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff"
    "\u2e80-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_WORD = rf"(?:(?![{_UNSPACED}])[^\W\d_]|[{_MARKS}])+"


@dataclass(frozen=True, slots=True)
class Surface:
    """How a tokenizer spells text before it cuts it into tokens.

    llguidance matches the bytes of tokens. Where a tokenizer normalises its input, those are the bytes of the
    normalised text, so the grammar must speak of that. ``joiner`` is what the normaliser writes between punctuation
    and a word (the embedded model's does), or an empty string.
    """

    normalize: Callable[[str], str] = str
    joiner: str = ""


def surface_of(tokenizer: Any) -> Surface:
    """The surface of a transformers tokenizer, found by asking its normaliser."""
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    if normalizer is None:
        return Surface()
    probe = normalizer.normalize_str('"a')
    # A normaliser that marks the word start (SentencePiece's "▁") is undone in the bytes of the tokens.
    if not (probe.startswith('"') and probe.endswith("a")):
        return Surface()
    return Surface(normalizer.normalize_str, probe[1:-1])


@lru_cache(maxsize=256)
def span_grammar(
    source: str, *, form: AnswerForm = "list", types: tuple[str, ...] = (), surface: Surface = Surface()
) -> str:
    """A Lark grammar for answers of ``form`` over ``source``; ``types`` are the keys of an ``object``, in order.

    The text of the grammar is linear in the length of the source, and so is its compilation (a few milliseconds for
    a window).
    """
    if form == "list":
        start = "start: list"
    else:
        pairs = [_literal(("{" if i == 0 else ", ") + _quote(name) + ": ", surface) for i, name in enumerate(types)]
        start = "start: " + " list ".join(pairs) + ' list "}"' if pairs else 'start: "{}"'
    # One terminal with the span: apart, the lexer would take a joiner for the span's own, which then has to go on with
    # a word that follows one in the text.
    joiner = f"{_literal(surface.joiner, Surface())}? " if surface.joiner else ""
    chunks = _chunks(source, surface)
    if not chunks:
        return f'{start}\nlist: "[]"\n'
    return (
        f"{start}\n"
        'list: "[]" | "[" item (", " item)* "]"\n'
        'item: "\\"" SPAN "\\""\n'
        f"SPAN: {joiner}CHUNKS\n"
        f"CHUNKS: %regex {json.dumps({'substring_chunks': chunks})} & /(?s:.)+/\n"
    )


def _chunks(source: str, surface: Surface) -> list[str]:
    """The JSON-escaped source, spelled as the tokens spell it, in pieces of which a span takes a run."""
    return _chunk_pattern(surface.joiner).findall(surface.normalize(_quote(source)[1:-1]))


@lru_cache(maxsize=8)
def _chunk_pattern(joiner: str) -> re.Pattern[str]:
    """An escape sequence is one piece, or a span could end in it; so is a joiner, or none could start behind it."""
    mark = re.escape(joiner)
    escape = rf"\\(?:{mark})?(?:u[0-9a-fA-F]{{4}}|.)"
    return re.compile("|".join(filter(None, [escape, mark, rf"(?![{_MARKS}]){_WORD}", r"\d+", rf"(?s:.)[{_MARKS}]*"])))


def _quote(text: str) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)


def _literal(text: str, surface: Surface) -> str:
    """``text`` as a Lark string, spelled as the tokens spell it."""
    return json.dumps(surface.normalize(text))
