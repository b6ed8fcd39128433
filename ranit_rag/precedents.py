"""Precedents: how the examples of a text's own store annotate the words of the text.

A model reads two or so examples; the store has all of them. Where its texts hold the same words, how often these were
annotated with a type is evidence for and against it, as neighbours are in kNN-NER (Wang et al., arXiv 2203.17103).
Logistic regression joins it with the model's score (stacking; Wolpert, 1992): the log odds of what the model wrote are

    known words: bias + model · logit(score) + words · log((annotated + ½) / (seen - annotated + ½)) + bounds · likeness
    new words:   bias + model · logit(score) + type · log(share) + bounds · likeness

and likewise, without a score, those of words that the store annotates and the model did not write. The likeness is that
of the place to those where the store's entities begin and end, by the words around (``retrieval.boundaries``).

Nor does a store annotate everything beside everything: where the entities of two types never overlap in its examples,
of two such entities that overlap in the text the likelier one stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

LEAST = 0.15  # the score from which words that the store knows are kept
SURE = 1e-4  # no score counts as surer, in either direction


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a logistic regression: for the model's score, counts of the words, frequency of the type, and the place."""

    bias: float
    model: float = 0.0
    words: float = 0.0
    type: float = 0.0
    bounds: float = 0.0


# Learned by training/experiments/nano/precedents.py.
KNOWN = Weights(-0.08, model=0.68, words=0.54, bounds=0.19)
UNSAID = Weights(-2.68, words=0.44, bounds=0.18)
NEW = Weights(0.29, model=1.01, type=0.13, bounds=0.18)


@dataclass(frozen=True, slots=True)
class Precedent:
    """In how many examples some words were ``seen``, and in how many of these ``annotated`` with a type.

    ``share`` is how often the store annotates the type, as a part of how often it annotates the most frequent one;
    ``bounds`` how much likelier than elsewhere its entities begin and end between the same words, as a logarithm.
    """

    annotated: int
    seen: int
    share: float = 1.0
    bounds: float = 0.0

    def weighed(self, score: float | None) -> float | None:
        """The probability of what the model wrote.

        ``score`` is None where the model tells none: it counts as a half, and of new words nothing is known.
        """
        if not self.seen:
            return None if score is None else self._probability(NEW, score)
        return self._probability(KNOWN, 0.5 if score is None else score)

    def unsaid(self) -> float:
        """The probability of what the model did not write."""
        return self._probability(UNSAID, 0.5)

    @property
    def words_odds(self) -> float:
        """The log odds with which the words are annotated."""
        return math.log((self.annotated + 0.5) / (self.seen - self.annotated + 0.5))

    def _probability(self, weights: Weights, score: float) -> float:
        store = weights.words * self.words_odds + weights.type * math.log(self.share) + weights.bounds * self.bounds
        return round(1 / (1 + math.exp(-(weights.bias + weights.model * logit(score) + store))), 6)


def logit(score: float) -> float:
    """The log odds of a score, which is taken to be neither quite sure nor quite impossible."""
    bounded = min(max(score, SURE), 1 - SURE)
    return math.log(bounded / (1 - bounded))


@runtime_checkable
class Precedents(Protocol):
    """What a store says of the words of one text."""

    def annotated(self, types: Sequence[str]) -> Sequence[tuple[int, int, str]]:
        """The places whose words the store annotates with one of the types, each with that type."""
        ...

    def of(self, start: int, end: int, label: str) -> Precedent | None:
        """The precedent of the words in a place; None where the store annotates no such type."""
        ...

    def apart(self, one: str, other: str) -> bool:
        """Whether the store's entities of the two types, or of the one, as good as never overlap."""
        ...
