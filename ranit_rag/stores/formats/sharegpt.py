"""Conversations as UniversalNER and RA-IT train on: the text, then one turn for each type with its mentions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError
from ranit_rag.prompts.answers import parse_answer, write_answer
from ranit_rag.prompts.profile import load_profile
from ranit_rag.stores.formats.jsonl import parse_object
from ranit_rag.stores.formats.reading import Defaults, Located, build_example, json_array, lines, read_head, spans
from ranit_rag.text.grounding import Grounder
from ranit_rag.types import EntityType, Example

# The wordings of both projects' data and demos, which are not of one mind about blanks and quotes.
_EXAMPLES_TURN = re.compile(r"Here are some examples of named entity recognition|以下是一些命名实体识别的例子")
_TEXT_TURN = re.compile(r"(?:Text|文本)[:：](.*)", re.DOTALL)
_QUERY_TURN = re.compile(
    r"""What describes ["“]?(?P<en>.+?)["”]? in the text[?？]?|文本中属于["“]?(?P<zh>.+?)["”]?的实体有哪些[?？]?""",
    re.DOTALL,
)
_USER, _ASSISTANT = ("human", "user"), ("gpt", "assistant")

Annotation = dict[tuple[int, int, str], None]


def read_sharegpt(path: Path, defaults: Defaults) -> Iterator[Located]:
    """One example from each conversation; conversations in a row that ask about the same text make one together.

    The file is a JSON array or JSON lines. A mention stands for all its occurrences; one that does not stand in the
    text makes the record broken.
    """
    waiting: tuple[int, str, Annotation] | None = None
    for number, record in _records(path):
        try:
            text, found = _read(record) if not isinstance(record, DataError) else _raise(record)
        except DataError as error:
            yield number, error
            continue
        if waiting is not None and waiting[1] == text:
            waiting[2].update(found)
            continue
        if waiting is not None:
            yield _located(*waiting, defaults)
        waiting = (number, text, found)
    if waiting is not None:
        yield _located(*waiting, defaults)


def _raise(error: DataError) -> Any:
    raise error


def _located(number: int, text: str, found: Annotation, defaults: Defaults) -> Located:
    try:
        return number, build_example(text, spans(sorted(found)), defaults)
    except DataError as error:
        return number, error


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
    if read_head(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        yield from enumerate(json_array(path), start=1)
        return
    for number, line in lines(path):
        if isinstance(line, DataError):
            yield number, line
        elif line.strip():
            try:
                yield number, parse_object(line)
            except DataError as error:
                yield number, error


def _read(record: object) -> tuple[str, Annotation]:
    turns = _turns(record)
    text: str | None = None
    grounder = Grounder("")
    found: Annotation = {}
    for question, answer in turns:
        if text is None and _EXAMPLES_TURN.match(question):
            continue
        if text is None and (opening := _TEXT_TURN.fullmatch(question)):
            text = opening[1].strip()
            grounder = Grounder(text)
        elif text is not None and (query := _QUERY_TURN.fullmatch(question.strip())):
            label = query["en"] or query["zh"]
            for mention in _mentions(answer, label):
                places = grounder.find(mention)
                if not places:
                    raise DataError(f"{mention!r} ({label}) does not stand in the text {text[:60]!r}")
                found.update(((start, end, label), None) for start, end in places)
        else:
            raise DataError(f"the turn {question[:80]!r} is neither a text nor a question for a type")
    if not text:
        raise DataError("the conversation has no turn with the text", hint='it begins with "Text:" or "文本："')
    return text, found


def _mentions(answer: str, label: str) -> list[str]:
    parsed = parse_answer(answer, types=(label,), form="list", truncated=False)
    if parsed.problem is not None:
        raise DataError(f"the answer {answer[:80]!r} for {label!r} is not a list of mentions")
    return list(dict.fromkeys(mention.text for mention in parsed.mentions))


def _turns(record: object) -> list[tuple[str, str]]:
    """User and assistant turns in pairs; a system turn is left out. Raises DataError."""
    turns = (record.get("conversations") or record.get("messages")) if isinstance(record, Mapping) else None
    if not isinstance(turns, Sequence) or not all(isinstance(turn, Mapping) for turn in turns):
        raise DataError("the record has no conversation", hint='{"conversations": [{"from": "human", "value": "…"}]}')
    said = [(turn.get("from") or turn.get("role"), turn.get("value") or turn.get("content") or "") for turn in turns]
    said = [(role, words) for role, words in said if role != "system"]
    if len(said) % 2 or any(role not in (_ASSISTANT if i % 2 else _USER) for i, (role, _) in enumerate(said)):
        raise DataError("user and assistant do not take turns in the conversation")
    return [(str(said[i][1]), str(said[i + 1][1])) for i in range(0, len(said), 2)]


def sharegpt_lines(examples: Iterable[Example], *, profile: str | None = None) -> Iterator[str]:
    """One conversation on each line, in the wording of a profile (None: UniversalNER's, RA-IT's for Chinese)."""
    for number, example in enumerate(examples):
        wording = load_profile(profile or ("ra-it-zh.v1" if example.language == "zh" else "uniner.v1"))
        conversation = wording.conversation(example.text, [EntityType(label) for label in example.labels])
        turns = [
            {"from": "human" if message.role == "user" else "gpt", "value": message.content}
            for message in conversation.prefix
            if message.role != "system"
        ]
        for label, query in zip(example.labels, conversation.queries, strict=True):
            mentions = dict.fromkeys(entity.text for entity in example.entities if entity.label == label)
            turns.append({"from": "human", "value": query.content})
            turns.append({"from": "gpt", "value": write_answer(list(mentions))})
        record = {"id": example.id or str(number), "conversations": turns}
        yield json.dumps(record, ensure_ascii=False) + "\n"
