"""Letters of scripts that part words by blanks. Korean does too, but joins particles to the noun."""

from __future__ import annotations

import regex

SPACED_LETTER = regex.compile(
    r"[[\p{L}\p{M}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{Bopomofo}\p{Hangul}"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]]",
    regex.V1,
)
