"""Three small domains, and an embedder in which texts with the same words are near each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ranit_rag.stores.memory import MemoryStores
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.text.language import tokenize
from ranit_rag.types import Example

DIMENSION = 256
Fill = Callable[..., MemoryStores]


class HashedWords:
    """Every word has a direction of its own, two thirds of it shared by the words with the same first letter."""

    dimension = DIMENSION

    def __init__(self, name: str = "hashed-words") -> None:
        self.name = name
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        vectors = np.array([self._embed(text) for text in texts], dtype=np.float32).reshape(len(texts), DIMENSION)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    @staticmethod
    def _embed(text: str) -> Vectors:
        vector = np.full(DIMENSION, 1e-3)
        for word in [*tokenize(text, "en"), *text]:
            for part in (word, word[:1]):
                digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest()
                vector[digest[0]] += 1.0 if len(part) > 1 else 0.2
        return vector


VOCABULARY = {
    "medicine": "doctor nurse aspirin fever ward dose tablet blood surgeon clinic migraine patient relief pain cough",
    "money": "bank shares profit loan bond market rate broker dividend fund quarter price index credit trade",
    "law": "court judge appeal verdict statute clause lawyer plaintiff ruling hearing witness oath bail jury crime",
}
WORDS = {domain: words.split() for domain, words in VOCABULARY.items()}
TYPES: Mapping[str, tuple[str, str]] = {
    "medicine": ("drug", "symptom"),
    "money": ("security", "lender"),
    "law": ("legal role", "proceeding"),
}


def sentence(domain: str, number: int) -> str:
    """The ``number``-th sentence of a domain: four of its words, no two sentences with the same four in order."""
    words = WORDS[domain]
    first, second = number % len(words), number // len(words) % (len(words) - 1)
    others = [word for word in words if word != words[first]]
    pair = [others[second], others[(second + 5) % len(others)], others[(second + 9 + number) % len(others)]]
    return f"the {words[first]} and {pair[0]} near {pair[1]} with {pair[2]}"


def example(domain: str, number: int) -> Example:
    text = sentence(domain, number)
    label = TYPES[domain][number % 2]
    return Example.from_mentions(text, {label: [text.split()[1]]}, domain=domain, language="en")
