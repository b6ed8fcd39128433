"""When two texts are the same: exactly, as a store tells examples apart, and nearly, for the contamination guard."""

from __future__ import annotations

import hashlib
import re
import unicodedata

SHINGLE = 4  # characters; four letters tell English words apart, four ideographs are about two Chinese words
NEAR_JACCARD = 0.8
NEAR_CONTAINMENT = 0.95
CONTAINED_SHINGLES = 24  # a shorter text ("good morning") may well stand inside another by chance
_NOT_ASCII_LETTERS = re.compile("[^a-z0-9]+")


def text_fingerprint(text: str) -> str:
    """32 hex digits that texts share when they differ only in case, width (full or half) and blanks."""
    normal = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def shingles(text: str) -> frozenset[str]:
    """The character 4-grams of the letters, digits and marks of a text: punctuation, blanks and case do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        letters = _NOT_ASCII_LETTERS.sub("", folded)
    else:
        letters = "".join(c for c in folded if c.isalnum() or unicodedata.category(c)[0] == "M")
    if len(letters) <= SHINGLE:
        return frozenset([letters]) if letters else frozenset()
    return frozenset(letters[i : i + SHINGLE] for i in range(len(letters) - SHINGLE + 1))


class NearDuplicates:
    """Tells whether other texts nearly repeat ``text``; its shingles are computed once.

    Two texts nearly repeat each other when the Jaccard index of their shingles is at least 0.8, or when 95 % of the
    shorter one's shingles (24 or more) stand in the longer: a sentence in its own paragraph is a repeat as well.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._shingles = shingles(text)

    def __contains__(self, other: str) -> bool:
        return self.repeats(NearDuplicates(other))

    def repeats(self, other: NearDuplicates) -> bool:
        """Whether the texts of the two nearly repeat each other."""
        shared = len(self._shingles & other._shingles)
        if not shared:
            return text_fingerprint(self._text) == text_fingerprint(other._text)
        shorter = min(len(self._shingles), len(other._shingles))
        if shorter >= CONTAINED_SHINGLES and shared >= NEAR_CONTAINMENT * shorter:
            return True
        return shared >= NEAR_JACCARD * (len(self._shingles) + len(other._shingles) - shared)


def near_duplicate(text: str, other: str) -> bool:
    """Whether the two texts nearly repeat each other, as ``NearDuplicates`` says."""
    return other in NearDuplicates(text)
