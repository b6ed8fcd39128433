"""The JSON that OpenAI-compatible servers answer, read with suspicion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ranit_rag.engines.base import Answer, Finish, Token
from ranit_rag.engines.spelling import cut, spell
from ranit_rag.engines.vocabulary import Vocabulary
from ranit_rag.errors import ServerError
from ranit_rag.results import Usage

_CONTEXT_KEYS = ("max_model_len", "context_length", "max_context_length", "context_window")


def read_completion(completion: object, *, url: str, vocabulary: Vocabulary) -> tuple[Answer, Usage]:
    """The answer in a chat completion and what it cost; ServerError where it is not one or holds no answer."""
    choices = completion.get("choices") if isinstance(completion, Mapping) else None
    if not isinstance(completion, Mapping) or not isinstance(choices, list):
        raise _foreign(url, "a chat completion", completion)
    choice = choices[0] if choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(content, str):
        refusal = message.get("refusal") if isinstance(message, Mapping) else None
        reason = choice.get("finish_reason") if isinstance(choice, Mapping) else None
        why = refusal or (f"finish reason {reason!r}" if reason else "the completion is empty")
        raise ServerError(f"{url} gave no answer: {why}", hint="the server's log says why; try another model or text")
    tokens = _tokens(choice.get("logprobs"), vocabulary)
    if tokens is not None and vocabulary.surface.joiner:
        # Servers detokenise piece by piece; that loses characters where a decoder removes what the normaliser wrote.
        content = "".join(token.text for token in tokens)
    else:
        tokens = _aligned(tokens, content)
    finish: Finish = "length" if choice.get("finish_reason") == "length" else "stop"
    return Answer(content, tokens, finish), _usage(completion.get("usage"))


def read_card(listing: object, model: str, *, url: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """What the list of models says of ``model`` (empty where it is not listed), and the names of all."""
    cards = listing.get("data") if isinstance(listing, Mapping) else None
    if not isinstance(cards, list):
        raise _foreign(url, "a list of models", listing)
    named = {str(card["id"]): card for card in cards if isinstance(card, Mapping) and "id" in card}
    return named.get(model, {}), tuple(named)


def context_of(card: Mapping[str, Any]) -> int | None:
    """The context length in tokens that a model's card states, under the names that vLLM and hosted services use."""
    return next((card[key] for key in _CONTEXT_KEYS if isinstance(card.get(key), int) and card[key] > 0), None)


def _tokens(logprobs: object, vocabulary: Vocabulary) -> tuple[Token, ...] | None:
    entries = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(entries, list) or not entries:
        return None
    pieces = []
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("logprob"), int | float):
            return None
        text, raw = str(entry.get("token", "")), entry.get("bytes")
        if text in vocabulary.special_tokens:  # vLLM lists the token that ended the answer
            continue
        pieces.append((bytes(raw) if isinstance(raw, list) else text.encode(), min(float(entry["logprob"]), 0.0)))
    return spell(pieces, joiner=vocabulary.surface.joiner)


def _aligned(tokens: tuple[Token, ...] | None, content: str) -> tuple[Token, ...] | None:
    """The tokens of ``content``, without an end-of-turn token or blanks that the server left out; None if unlike."""
    if tokens is None:
        return None
    start = "".join(token.text for token in tokens).find(content)
    return None if start < 0 else cut(tokens, start, start + len(content))


def _usage(usage: object) -> Usage:
    if not isinstance(usage, Mapping):
        return Usage(calls=1)
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return Usage(_whole(usage.get("prompt_tokens")), _whole(cached), _whole(usage.get("completion_tokens")), calls=1)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _foreign(url: str, expected: str, got: object) -> ServerError:
    shown = " ".join(str(got).split())[:200]
    return ServerError(
        f"{url} did not answer with {expected} but with {shown!r}",
        hint="is this the address of an OpenAI-compatible API? It usually ends in /v1",
    )
