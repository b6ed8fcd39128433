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
from ranit_rag.prompts.conversation import Conversation, Message, Role

# Private-use characters: no template contains them, and contents never reach the template.
_PLACEHOLDER = re.compile("\ue0c0([0-9]+)\ue0c1")
_MARKUP = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")


@dataclass(frozen=True, slots=True)
class EncodedConversation:
    """Token ids of the shared prefix, and of each query with the opening of the answer's turn."""

    prefix: tuple[int, ...]
    queries: tuple[tuple[int, ...], ...]


class PromptBuilder:
    """Encodes conversations for one tokenizer (of transformers, with a chat template)."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._plain = _without_special_tokens(tokenizer)
        self._layout = lru_cache(maxsize=256)(self._render_layout)
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

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` as content."""
        return len(self._encode_content(text))

    def _encode_content(self, text: str) -> tuple[int, ...]:
        safe = text.encode("utf-8", "replace").decode("utf-8")
        if self._plain is not None:
            return tuple(self._plain.encode(safe, add_special_tokens=False).ids)
        return tuple(self._tokenizer.encode(safe, add_special_tokens=False, split_special_tokens=True))

    def _render_layout(self, roles: tuple[Role, ...]) -> list[list[int]]:
        """Token ids of what the template writes before each content and after the last one."""
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
        return [self._tokenizer.encode(piece, add_special_tokens=False) if piece else [] for piece in pieces[::2]]

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
            self._layout(("system", "user"))
        except EngineError:
            return False
        return True


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
