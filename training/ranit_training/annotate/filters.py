"""From what a model wrote to a record: what is kept of its pairs, and why the rest is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Literal

from ranit_rag.text import Grounder, detect_language
from ranit_rag.types import Entity, Example

Reason = Literal["blank", "too_long", "invalid_type", "ungrounded", "repeated"]

MAX_WORDS = 20  # words of a mention, characters in Chinese, as in the paper
MAX_TYPE_WORDS = 6
MAX_TYPE_CHARACTERS = 40
_WRAPPINGS = tuple(
    (pair[0], pair[1])
    for pair in ('""', "''", "“”", "‘’", "「」", "『』", "《》", "〈〉", "【】", "[]", "()", "（）", "``", "**")
)
_TRAILING = ",;:，；：、。"
_NO_TYPES = frozenset({
    "entity", "entities", "entity type", "entity types", "type", "type of entity", "named entity", "none", "null", "na",
    "n/a", "unknown", "undefined", "other", "others", "else", "misc", "miscellaneous", "thing", "object", "word",
    "noun", "实体", "实体类型", "实体类别", "类型", "类别", "其他", "其它", "无", "无类别", "未定义", "未知", "名词",
    "词语",
})  # fmt: skip


def build_record(text: str, pairs: Iterable[tuple[str, str]], *, source: str = "") -> tuple[Example, Counter[str]]:
    """The record of a passage, and how many pairs were dropped for each ``Reason``.

    ``unwrapped`` counts the mentions that were kept without the punctuation around them. Every place where a mention
    stands becomes an entity; nested mentions and mentions of several types stay.
    """
    language = detect_language(text)
    grounder = Grounder(text)
    counts: Counter[str] = Counter()
    entities: dict[tuple[int, int, str], Entity] = {}
    for written, kind in pairs:
        mention, label = unwrap(written.strip()), clean_type(kind)
        spans = [(start, end, label) for start, end in grounder.find(mention)]
        if reason := _reason(mention, label, language, spans, entities):
            counts[reason] += 1
            continue
        counts["kept"] += 1
        counts["unwrapped"] += mention != written.strip()
        for start, end, _ in spans:
            entities[start, end, label] = Entity(text[start:end], label, start, end)
    ordered = tuple(entities[key] for key in sorted(entities, key=lambda key: (key[0], -key[1], key[2])))
    return Example(text, ordered, language=language, source=source), counts


def _reason(
    mention: str,
    label: str,
    language: str,
    spans: Sequence[tuple[int, int, str]],
    known: Container[tuple[int, int, str]],
) -> Reason | None:
    if not any(map(str.isalnum, mention)):
        return "blank"
    if (len(mention) if language == "zh" else len(mention.split())) > MAX_WORDS:
        return "too_long"
    if not is_type(label):
        return "invalid_type"
    if not spans:
        return "ungrounded"
    return "repeated" if all(span in known for span in spans) else None


def unwrap(mention: str) -> str:
    """``mention`` without quotes and brackets around the whole of it, and without separators after it."""
    while True:
        bare = mention.rstrip(_TRAILING).strip()
        for left, right in _WRAPPINGS:
            inner = bare[1:-1]
            if len(bare) > 2 and bare[0] == left and bare[-1] == right and left not in inner and right not in inner:
                bare = inner.strip()
                break
        if bare == mention:
            return mention
        mention = bare


def clean_type(kind: str) -> str:
    """A type in lower case but for short acronyms, with single blanks: ``Medical_Test`` is ``medical test``."""
    words = unwrap(kind.strip()).replace("_", " ").split()
    return " ".join(word if word.isupper() and len(word) <= 4 else word.lower() for word in words)


def is_type(label: str) -> bool:
    """Whether ``label`` can be a type: it has letters, is short, and is no placeholder."""
    if label.casefold() in _NO_TYPES or not any(map(str.isalpha, label)):
        return False
    return len(label) <= MAX_TYPE_CHARACTERS and len(label.split()) <= MAX_TYPE_WORDS
