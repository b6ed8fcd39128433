"""The evaluator of UniversalNER (arXiv 2308.03279), which the RA-IT paper uses: how it reads and compares mentions.

Kept as it is, faults included, so that scores can be set beside published ones; ``metrics`` has the counts that our
own reading of the answers gives.
"""

from __future__ import annotations

import json
import re
import string

from ranit_rag.evaluation.counts import Counts, set_counts

Item = str | tuple[str, ...]

_FIRST_LIST = re.compile(r"\[(.*?)\]")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(mention: str) -> str:
    """Lower case, without ASCII punctuation and the articles a, an, the; runs of blanks are one. May become empty."""
    return " ".join(_ARTICLES.sub(" ", mention.lower().translate(_NO_PUNCTUATION)).split())


def read_answer(answer: str) -> set[Item] | None:
    """The normalised mentions of an answer as the original parser reads it; None where it fails, and counts nothing.

    It takes what stands between a ``[`` at the very start and the first ``]``, also one inside a mention, as JSON.
    """
    found = _FIRST_LIST.match(answer)
    if found is None:
        return None
    try:
        return {_normalised(item) for item in json.loads(found.group())}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def answer_counts(predicted: str, gold: str) -> Counts:
    """One query's answer against the gold answer, both read by the original parser."""
    return set_counts(read_answer(predicted) or (), read_answer(gold) or ())


def _normalised(item: object) -> Item:
    if isinstance(item, list):
        return tuple(map(_string, item))
    return _string(item)


def _string(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(f"{item!r} is not a string")
    return normalise(item)
