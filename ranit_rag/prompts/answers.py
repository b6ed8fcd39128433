"""Answers: write the JSON that models are trained on, and read what they really write.

``parse_answer`` reads every JSON answer as JSON does, and goes on where JSON ends: prose and fences around it, single
quotes, unescaped quotes inside a string, full-width or trailing commas, a missing end. It takes one pass without
backtracking, so its time is linear in the answer, whatever that holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ranit_rag.prompts.conversation import AnswerForm


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention as the model wrote it. ``answer[start:end]`` is the content of its JSON string, still escaped."""

    text: str
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The mentions of an answer in its order, repeats included, and what kept the rest from being read.

    ``truncated``: the answer was cut before its JSON ended. ``unparsable``: parts of it are not JSON of the asked form,
    or of a type that was not asked. ``rest`` holds those parts, one on each line.
    """

    mentions: tuple[Mention, ...]
    problem: Literal["unparsable", "truncated"] | None = None
    rest: str = ""


def write_answer(mentions: Sequence[str]) -> str:
    """The answer to a query for one type: ``["a", "b"]``, or ``[]``."""
    return json.dumps(list(mentions), ensure_ascii=False)


def write_object_answer(mentions: Mapping[str, Sequence[str]]) -> str:
    """The answer to a query for many types: ``{"type": ["a", "b"]}``."""
    return json.dumps({label: list(texts) for label, texts in mentions.items()}, ensure_ascii=False)


def parse_answer(answer: str, *, types: tuple[str, ...], form: AnswerForm, truncated: bool) -> ParsedAnswer:
    """Read a model's answer to a query for ``types``. It never raises, and reads 100,000 characters at most.

    The first JSON value of the asked ``form`` counts, or the first of the other form if there is none of that:
    a list or object, ``{"entities": …}`` around either, and records ``{"text": …, "label": …}`` are understood.
    Bare strings belong to the type asked for if there is only one. ``truncated`` says that the token limit cut the
    answer: what was finished is kept.
    """
    reader = _Reader(answer[:_LONGEST], types)
    value = reader.find(form)
    if value is not None:
        reader.read(value, types[0] if len(types) == 1 else None)
    if value is None or len(answer) > _LONGEST:
        reader.unread.append((0 if value is None else _LONGEST, len(answer)))
    problem: Literal["unparsable", "truncated"] | None = "unparsable" if reader.unread else None
    if truncated and (value is None or not value.closed):
        problem = "truncated"
    return ParsedAnswer(tuple(reader.mentions), problem, reader.rest(answer))


_OPENING = re.compile(r"[\[{]")

# A quote ends its string only before a separator, a bracket or the end: models leave quotes inside a mention unescaped.
# In valid JSON every closing quote stands so. The possessive quantifiers (*+, ++) keep the scan from backtracking.
_TOKEN = re.compile(
    r"""
    (?: (?P<open>[\[{])
      | (?P<close>[\]}])
      | (?P<colon>[:：])
      | (?P<quote>["'])
        (?P<content>(?: [^\\"']++ | \\(?:.|\Z) | (?! (?P=quote) \s*+ (?:[,:\]}，、：]|\Z) ) ["'] )*+)
        (?P<string>["'])?+
      | (?P<bare>[^\s"'\[\]{},:，、：][^"\[\]{},:，、：]*+)
    )?+
    [\s,，、]*+
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\x[0-9a-fA-F]{2}|\\.", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false", re.ASCII)
_NOTHING = ("null", "None")

_LONGEST = 100_000  # far more than a window's answer; bounds the cost of a hostile one
_DEEPEST = 8  # {"entities": {"type": [{"text": …}]}} is 4 deep
_TEXT_KEYS = ("text", "mention", "entity", "name")
_LABEL_KEYS = ("label", "type", "entity_type")
_ENVELOPE = "entities"


class _Word(NamedTuple):
    """A string or number; ``content`` is the range that a Mention reports, ``start`` to ``end`` the whole token."""

    text: str
    content: tuple[int, int]
    start: int
    end: int


@dataclass(slots=True)
class _Value:
    """A list or object: its members, with their keys where they have one."""

    kind: str
    start: int
    end: int
    closed: bool = False
    members: list[tuple[_Word | None, _Word | _Value]] = field(default_factory=list)

    def word(self, keys: Sequence[str]) -> _Word | None:
        """The first string under one of the keys."""
        for key, member in self.members:
            if key is not None and key.text in keys and isinstance(member, _Word):
                return member
        return None


class _Reader:
    """Reads one answer: ``find`` builds the value, ``read`` collects its mentions, ``unread`` holds what is left."""

    def __init__(self, answer: str, types: Sequence[str]) -> None:
        self.answer = answer
        self.mentions: list[Mention] = []
        self.unread: list[tuple[int, int]] = []
        self._exact = frozenset(types)
        self._folded: dict[str, str | None] = {}
        for name in types:
            self._folded[_fold(name)] = None if _fold(name) in self._folded else name

    def rest(self, answer: str) -> str:
        """What is left unread of the answer, which may be longer than what was read."""
        pieces = []
        last = 0
        for start, end in sorted(self.unread, key=lambda span: (span[0], -span[1])):
            if start >= last:  # not part of a piece that is there already
                pieces.append(answer[start:end].strip())
                last = end
        return "\n".join(pieces)

    def find(self, form: AnswerForm) -> _Value | None:
        """The value that is the answer; other values around it are left unread."""
        wanted = "[" if form == "list" else "{"
        values: list[_Value] = []
        position = self._after_thoughts()
        while found := _OPENING.search(self.answer, position):
            if values and values[-1].kind == wanted:
                self.unread.append((found.start(), len(self.answer)))
                break
            values.append(self._build(found.start()))
            position = values[-1].end
        if not values:
            return None
        chosen = values.pop(-1 if values[-1].kind == wanted else 0)
        self.unread += [(value.start, value.end) for value in values]
        return chosen

    def _after_thoughts(self) -> int:
        if not self.answer.lstrip().startswith("<think>"):
            return 0
        end = self.answer.find("</think>")
        return len(self.answer) if end < 0 else end

    def _build(self, start: int) -> _Value:
        root = value = _Value(self.answer[start], start, len(self.answer))
        stack = [root]
        key: _Word | None = None
        for token in _TOKEN.finditer(self.answer, start + 1):
            kind = token.lastgroup
            if kind == "string":
                content = token.span("content")
                value.members.append((key, _Word(_unescape(token["content"]), content, content[0] - 1, content[1] + 1)))
                key = None
            elif kind == "open":
                if len(stack) == _DEEPEST:
                    self.unread.append((token.start(), len(self.answer)))
                    break
                inner = _Value(token["open"], token.start(), len(self.answer))
                value.members.append((key, inner))
                stack.append(inner)
                value, key = inner, None
            elif kind == "close":  # of either kind: it ends the innermost value
                value.end, value.closed = token.end("close"), True
                stack.pop()
                if not stack:
                    break
                value, key = stack[-1], None
            elif kind == "colon":
                last = value.members[-1][1] if value.members else None
                if value.kind == "{" and isinstance(last, _Word):
                    value.members.pop()
                    key = last
            elif kind == "bare":
                if number := self._bare(token["bare"], token.start()):
                    value.members.append((key, number))
                key = None
            elif kind == "content":  # a string without an end
                self.unread.append(token.span())
        return root

    def _bare(self, text: str, start: int) -> _Word | None:
        """A number or truth value as a word; null is nothing, and all else is left unread."""
        text = text.rstrip()
        end = start + len(text)
        if end < len(self.answer):  # at the very end, a number may be cut
            if text in _NOTHING:
                return None
            if _NUMBER.fullmatch(text):
                return _Word(text, (start, end), start, end)
        self.unread.append((start, end))
        return None

    def read(self, value: _Value, label: str | None) -> None:
        """Collect the mentions of a value. ``label`` is the type of strings that stand in it without one, if known."""
        if value.kind == "{" and self._read_record(value, label):
            return
        for key, member in value.members:
            if key is not None:
                self._read_pair(key, member, label)
            elif isinstance(member, _Word):
                self._mention(member, label if value.kind == "[" else None)
            elif member.kind == "{":
                self.read(member, label)
            else:
                self.unread.append((member.start, member.end))

    def _read_record(self, value: _Value, label: str | None) -> bool:
        """``{"text": mention, "label": type}``, without the label where it is known. False if it is no record."""
        text, kind = value.word(_TEXT_KEYS), value.word(_LABEL_KEYS)
        if text is None or (kind is None and (label is None or not value.closed)):
            return False
        if any(key is not None and self._asked(key.text) for key, _ in value.members):
            return False
        named = label if kind is None else self._asked(kind.text)
        if named is None:
            self.unread.append((value.start, value.end))
        else:
            self._mention(text, named)
        return True

    def _read_pair(self, key: _Word, member: _Word | _Value, label: str | None) -> None:
        asked = self._asked(key.text)
        if asked is not None and isinstance(member, _Word):
            self._mention(member, asked)
        elif asked is not None and isinstance(member, _Value):
            self.read(member, asked)
        elif key.text == _ENVELOPE and isinstance(member, _Value):
            self.read(member, label)
        elif isinstance(member, _Word) and key.text not in _TEXT_KEYS + _LABEL_KEYS and self._asked(member.text):
            self._mention(key, self._asked(member.text))  # {"mention": "type"}, as examples are shown
        else:
            self.unread.append((key.start, member.end))

    def _mention(self, word: _Word, label: str | None) -> None:
        if label is None:
            self.unread.append((word.start, word.end))
        elif word.text.strip():
            self.mentions.append(Mention(word.text, label, *word.content))

    def _asked(self, name: str) -> str | None:
        """The asked type of this name: the same, or the only one that differs in case, blanks and underscores alone."""
        return name if name in self._exact else self._folded.get(_fold(name))


def _fold(name: str) -> str:
    return "".join(name.casefold().replace("_", " ").split())


def _unescape(content: str) -> str:
    """The text of a string's content: JSON's escapes, and Python's where JSON has none; others stay as they are."""
    return _ESCAPE.sub(_unescape_one, content) if "\\" in content else content


def _unescape_one(found: re.Match[str]) -> str:
    escape = found[0]
    if escape.startswith("\\u") and len(escape) > 2:
        return str(json.loads(f'"{escape}"'))  # a run, because two of them may be one surrogate pair
    if escape.startswith("\\x") and len(escape) > 2:
        return chr(int(escape[2:], 16))
    return _ESCAPED.get(escape[1], escape)
