"""Conversations as token ids, so that nothing in a text can pass for a turn of the conversation.

The chat template is rendered once for each sequence of roles, with placeholders for the contents. What the template
wrote is tokenised with its special tokens; contents are tokenised with a copy of the tokenizer that knows none, so a
text that says ``<|end|>`` is spelled out character by character.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ranit_rag.errors import EngineError
from ranit_rag.prompts.conversation import Conversation, Message, Query, Role

# Private-use characters: no template contains them, and contents never reach the template.
_PLACEHOLDER = re.compile("\ue0c0([0-9]+)\ue0c1")
_MARKUP = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")


@dataclass(frozen=True, slots=True)
class EncodedConversation:
    """Token ids of the shared prefix, and of each query with the opening of the answer's turn."""

    prefix: tuple[int, ...]
    queries: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class EncodedTurn:
    """Token ids of what the template writes before a turn, and of its content; an answer's with the end of turn."""

    opening: tuple[int, ...]
    content: tuple[int, ...]
    is_answer: bool


class PromptBuilder:
    """Encodes conversations for one tokenizer (of transformers, with a chat template)."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._plain = _without_special_tokens(tokenizer)
        # The token for unknown characters is special too, and contents may hold such characters.
        self._special_ids = frozenset(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        self._seams = _seams(tokenizer.all_special_tokens)
        self._template = lru_cache(maxsize=256)(self._render_template)
        self._layout = lru_cache(maxsize=256)(self._encode_template)
        self._content_ids = lru_cache(maxsize=4096)(self._encode_content)

    def encode(self, conversation: Conversation) -> EncodedConversation:
        """Token ids such that ``prefix + queries[i]`` is the whole prompt of query ``i``."""
        turns, lead = self._fitting_turns(conversation.prefix)
        *heads, tail = self._layout((*(turn.role for turn in turns), "user"))
        prefix: list[int] = []
        for head, turn in zip(heads, turns, strict=False):
            prefix += head
            prefix += self._content_ids(turn.content)
        prefix += heads[-1]
        queries = [(*self._content_ids(lead + query.content), *tail) for query in conversation.queries]
        return EncodedConversation(tuple(prefix), tuple(queries))

    def encode_dialogue(self, turns: tuple[Message, ...]) -> list[EncodedTurn]:
        """Token ids of a finished dialogue, turn by turn: up to each answer they are those of ``encode``.

        Raises EngineError where the template ends an answer with no token of its own.
        """
        fitting, _ = self._fitting_turns(turns)
        heads = list(self._layout((*(turn.role for turn in fitting), "user")))
        encoded = []
        for i, turn in enumerate(fitting):
            content = self._content_ids(turn.content)
            if turn.role == "assistant":
                following = list(heads[i + 1])
                end = following.pop(0) if following else None
                if end is None or end not in self._special_ids:
                    raise EngineError(
                        "the tokenizer's chat template does not end an assistant's turn with a special token",
                        hint="a model trained so would not know where to stop: give the template an end of turn",
                    )
                content, heads[i + 1] = (*content, end), following
            encoded.append(EncodedTurn(tuple(heads[i]), content, turn.role == "assistant"))
        return encoded

    def render(self, conversation: Conversation, query: Query) -> str:
        """The prompt of ``query`` as text. Special tokens are those of the template; contents hold only plain text."""
        turns, lead = self._fitting_turns(conversation.prefix)
        *heads, tail = self._template((*(turn.role for turn in turns), "user"))
        contents = [*(turn.content for turn in turns), lead + query.content]
        return "".join(head + content for head, content in zip(heads, contents, strict=True)) + tail

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` as content."""
        return len(self._encode_content(text))

    def _encode_content(self, text: str) -> tuple[int, ...]:
        safe = text.encode("utf-8", "replace").decode("utf-8")
        ids = self._spell_out(safe)
        if self._special_ids.isdisjoint(ids):
            return ids
        # Unigram models and the like know special tokens as ordinary pieces too: those are cut in two.
        return tuple(token for piece in self._seams.split(safe) for token in self._spell_out(piece))

    def _spell_out(self, text: str) -> tuple[int, ...]:
        if self._plain is not None:
            return tuple(self._plain.encode(text, add_special_tokens=False).ids)
        return tuple(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))

    def _encode_template(self, roles: tuple[Role, ...]) -> list[list[int]]:
        """Token ids of the pieces of ``_render_template``."""
        pieces = self._template(roles)
        return [self._tokenizer.encode(piece, add_special_tokens=False) if piece else [] for piece in pieces]

    def _render_template(self, roles: tuple[Role, ...]) -> list[str]:
        """What the template writes before each content and after the last one."""
        turns = [{"role": role, "content": f"\ue0c0{i}\ue0c1"} for i, role in enumerate(roles)]
        try:
            rendered = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        except Exception as error:  # templates are programs: any of their errors can come out
            raise EngineError(
                f"the tokenizer's chat template cannot render the turns {', '.join(roles)}: {error}",
                hint="RANIT needs a chat model with a chat template for user and assistant turns",
            ) from error
        pieces = _PLACEHOLDER.split(rendered)
        if pieces[1::2] != [str(i) for i in range(len(roles))]:
            raise EngineError(
                "the tokenizer's chat template does not show every turn once and in order",
                hint="use a checkpoint whose chat template writes the contents as they are given",
            )
        return pieces[::2]

    def _fitting_turns(self, prefix: tuple[Message, ...]) -> tuple[tuple[Message, ...], str]:
        """The turns of the prefix, and what must lead a query: a template without a system turn moves that line on."""
        if not prefix or prefix[0].role != "system" or self._accepts_system():
            return prefix, ""
        system, *rest = prefix
        if not rest:
            return (), f"{system.content}\n\n"
        first = Message(rest[0].role, f"{system.content}\n\n{rest[0].content}")
        return (first, *rest[1:]), ""

    def _accepts_system(self) -> bool:
        try:
            self._template(("system", "user"))
        except EngineError:
            return False
        return True


def _seams(special_tokens: list[str]) -> re.Pattern[str]:
    """The places behind the first character of each special token."""
    cuts = (f"(?<={re.escape(token[0])})(?={re.escape(token[1:])})" for token in special_tokens if len(token) > 1)
    return re.compile("|".join(cuts) or r"(?!)")


def _without_special_tokens(tokenizer: Any) -> Any:
    """A copy of a fast tokenizer that spells special tokens out; None where there is no fast tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not hasattr(backend, "to_str"):
        return None
    from tokenizers import Tokenizer

    definition = json.loads(backend.to_str())
    definition["added_tokens"] = [
        token
        for token in definition["added_tokens"]
        if not token["special"] and not _MARKUP.fullmatch(token["content"])
    ]
    definition["post_processor"] = definition["padding"] = definition["truncation"] = None
    return Tokenizer.from_str(json.dumps(definition))
