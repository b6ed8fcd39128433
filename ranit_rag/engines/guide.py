"""Guides: what each next token of an answer may be, and when the answer is complete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ranit_rag.engines.grammar import span_grammar, surface_of
from ranit_rag.prompts.conversation import Conversation


class Guide(Protocol):
    """Follows one answer as it is written."""

    def fork(self) -> Guide:
        """A guide for another answer under the same constraint, at its beginning."""
        ...

    def fill(self, bitmask: Any, row: int) -> None:
        """Write the allowed next tokens into ``bitmask[row]`` (int32, one bit for each token of the vocabulary)."""
        ...

    def accept(self, token: int) -> bool:
        """Take the next token; True when the answer is complete."""
        ...


class GrammarGuide:
    """Only what the grammar allows, by llguidance."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def fork(self) -> GrammarGuide:
        return GrammarGuide(self._matcher.deep_copy())

    def fill(self, bitmask: Any, row: int) -> None:
        line = bitmask[row]
        self._matcher.unsafe_compute_mask_ptr(line.data_ptr(), line.numel() * line.element_size())

    def accept(self, token: int) -> bool:
        self._matcher.consume_token(token)
        return bool(self._matcher.is_stopped())


class FreeGuide:
    """Anything goes; the answer ends at an end token, or as soon as it is one whole JSON value."""

    def __init__(self, decode: Callable[[Sequence[int]], str], end_tokens: frozenset[int]) -> None:
        self._decode = decode
        self._end_tokens = end_tokens
        self._tokens: list[int] = []

    def fork(self) -> FreeGuide:
        return FreeGuide(self._decode, self._end_tokens)

    def fill(self, bitmask: Any, row: int) -> None:
        bitmask[row].fill_(-1)

    def accept(self, token: int) -> bool:
        if token in self._end_tokens:
            return True
        self._tokens.append(token)
        return _is_json(self._decode(self._tokens))


class GuideFactory:
    """Makes guides for one tokenizer; the grammar of a conversation is compiled once and forked for each query."""

    def __init__(self, tokenizer: Any, vocabulary: int, end_tokens: Iterable[int]) -> None:
        import llguidance.hf

        self._tokenizer = tokenizer
        self._end_tokens = frozenset(end_tokens)
        self._surface = surface_of(tokenizer)
        self._ll_tokenizer = llguidance.hf.from_tokenizer(tokenizer, vocabulary, sorted(self._end_tokens))

    @property
    def joiner(self) -> str:
        """What the tokenizer's normaliser writes into the answers (see Surface)."""
        return self._surface.joiner

    def token_bytes(self, token: int) -> bytes:
        """The bytes that a token stands for."""
        return bytes(self._ll_tokenizer.decode_bytes([token]))

    def guides(self, conversation: Conversation) -> list[Guide]:
        """A fresh guide for each query, in order."""
        if conversation.source is None:
            return [FreeGuide(self._tokenizer.decode, self._end_tokens) for _ in conversation.queries]
        bases: dict[tuple[str, ...], Guide] = {}
        guides: list[Guide] = []
        for query in conversation.queries:
            types = query.types if conversation.form == "object" else ()
            if types not in bases:
                bases[types] = self._compile(conversation, types)
            guides.append(bases[types].fork())
        return guides

    def _compile(self, conversation: Conversation, types: tuple[str, ...]) -> GrammarGuide:
        from llguidance import LLMatcher

        grammar = span_grammar(conversation.source or "", form=conversation.form, types=types, surface=self._surface)
        matcher = LLMatcher(self._ll_tokenizer, grammar)
        if error := matcher.get_error():
            raise RuntimeError(f"llguidance refused the grammar: {error}")
        return GrammarGuide(matcher)


def _is_json(text: str) -> bool:
    if not text.rstrip().endswith(("]", "}")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
