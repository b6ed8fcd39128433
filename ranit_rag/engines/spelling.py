"""From the bytes of an answer's tokens to pieces of text, each with its probability."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from ranit_rag.engines.base import Token


def spell(pieces: Iterable[tuple[bytes, float]], *, joiner: str = "") -> tuple[Token, ...]:
    """One token for each ``(bytes, logprob)``, less the ``joiner`` that a normaliser wrote (see Surface).

    A character whose bytes are spread over several tokens stands in the last of them; one that the end of the answer
    cut in two is left out, and so is a joiner.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    tokens = tuple(Token(decoder.decode(raw), logprob) for raw, logprob in pieces)
    if not joiner:
        return tokens
    text = "".join(token.text for token in tokens)
    begun = [re.escape(joiner[:length]) + r"\Z" for length in range(len(joiner) - 1, 0, -1)]
    removed = {i for found in re.finditer("|".join([re.escape(joiner), *begun]), text) for i in range(*found.span())}
    spelled = []
    offset = 0
    for token in tokens:
        kept = "".join(char for i, char in enumerate(token.text, offset) if i not in removed)
        spelled.append(Token(kept, token.logprob))
        offset += len(token.text)
    return tuple(spelled)


def cut(tokens: Sequence[Token], start: int, end: int) -> tuple[Token, ...]:
    """The tokens of the characters ``[start, end)`` of their text; what stands outside is left out."""
    kept = []
    offset = 0
    for token in tokens:
        after = offset + len(token.text)
        if start < after and offset < end:
            kept.append(Token(token.text[max(start - offset, 0) : end - offset], token.logprob))
        elif start <= offset == after < end:  # a token without a character of its own still carries a probability
            kept.append(token)
        offset = after
    return tuple(kept)
