"""Conversations as token ids with labels: every answer is learned, and nothing else.

The ids are those that the engines send at inference (``ranit_rag.engines.chat``), so that training and use agree token
by token, and a text that spells a special token is no turn here either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranit_rag.engines.chat import PromptBuilder
from ranit_rag.errors import DataError
from ranit_rag.prompts import Message
from ranit_training.layouts import Row, numbered_rows

IGNORED = -100  # the label of tokens that are not learned
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Tokens:
    """A conversation as the model reads it: ``labels`` are the ids of answers, and IGNORED elsewhere."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation to learn from. Its first answers, to the text and to examples if there are any, say no entity."""

    id: str
    turns: tuple[Message, ...]
    has_examples: bool


def load_dialogues(paths: Sequence[Path]) -> Iterator[Dialogue]:
    """The conversations of files. Raises DataError with the first rows that are no conversations."""
    broken: list[str] = []
    found = count = 0
    for path in paths:
        if not path.is_file():
            raise DataError(f"there is no file {path}", hint="give what `ranit data conversations` or `augment` wrote")
        try:
            for number, row in numbered_rows(path):
                try:
                    if isinstance(row, DataError):
                        raise row
                    yield _dialogue(row, number)
                    found += 1
                except DataError as error:
                    count += 1
                    if len(broken) < _TOLD:
                        broken.append(f"{path}:{number}: {error.message}")
        except (ValueError, OSError) as error:  # not JSON, not Parquet
            raise DataError(
                f"cannot read {path}: {error}", hint="is it .jsonl, .json or .parquet, and whole?"
            ) from error
    if broken:
        raise DataError(
            f"{count} of {count + found} conversations are broken: " + "; ".join(broken),
            hint='a conversation is {"conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}, …]}',
        )
    if not found:
        raise DataError(f"there is no conversation in {', '.join(map(str, paths))}", hint="check the path")


def _dialogue(row: Row, number: int) -> Dialogue:
    turns: Any = row.get("conversations") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not turns:
        raise DataError("there are no turns under 'conversations'")
    messages = [Message("system", str(row["system"]))] if row.get("system") else []
    for place, turn in enumerate(turns):
        speaker = turn.get("from") if isinstance(turn, dict) else None
        words = turn.get("value") if isinstance(turn, dict) else None
        expected = ("human", "gpt")[place % 2]
        if speaker != expected or not isinstance(words, str) or not words:
            raise DataError(f"turn {place + 1} is not words of {expected!r}, but {str(turn)[:80]}")
        messages.append(Message("user" if speaker == "human" else "assistant", words))
    if len(turns) % 2:
        raise DataError("the last question has no answer")
    return Dialogue(str(row.get("id", number)), tuple(messages), bool(row.get("examples")))


def encode_dialogue(dialogue: Dialogue, prompts: PromptBuilder, max_length: int, counts: Counter[str]) -> Tokens | None:
    """The tokens of a dialogue, cut after the last answer that ends within ``max_length``; None where none does.

    ``counts`` is told what became of it: ``whole``, ``cut``, ``dropped`` (too long), or ``without_questions`` where no
    answer says anything about its text; and its answers and tokens.
    """
    ids: list[int] = []
    labels: list[int] = []
    end = answers = learned = 0
    encoded = prompts.encode_dialogue(dialogue.turns)
    for turn in encoded:
        ids += [*turn.opening, *turn.content]
        labels += [IGNORED] * len(turn.opening)
        labels += turn.content if turn.is_answer else [IGNORED] * len(turn.content)
        if len(ids) > max_length:
            break
        if turn.is_answer:
            end, answers, learned = len(ids), answers + 1, learned + len(turn.content)
    in_all, leading = sum(turn.is_answer for turn in encoded), 1 + dialogue.has_examples
    if answers <= leading:
        counts["dropped" if in_all > leading else "without_questions"] += 1
        return None
    counts["whole" if answers == in_all else "cut"] += 1
    counts["answers"] += answers
    counts["tokens"] += end
    counts["learned_tokens"] += learned
    return Tokens(ids[:end], labels[:end])
