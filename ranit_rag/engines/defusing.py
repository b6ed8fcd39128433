"""Texts that a model server may read: nothing in them can pass for a special token.

A server applies the chat template itself and parses special tokens wherever they stand, also in a user's text. An
invisible word joiner (U+2060) inside what looks like one leaves the text as it reads and breaks the token; grounding
ignores the joiner, so that mentions are still found in the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

JOINER = "\u2060"

# What opens a special token, by the tokenizers that have such:
#   <|im_start|> <|eot_id|> <|end|> <|user|>   ChatML (Qwen), Llama 3, Phi, GLM, the embedded model
#   <｜User｜> <｜end▁of▁sentence｜>             DeepSeek (full-width bars)
#   <s> </s> <unk> <pad> <bos> <extra_id_0>     SentencePiece (Llama 2, Mistral, T5), Baichuan's <reserved_106>
#   <start_of_turn> <end_of_turn> <tool_call>   Gemma, Qwen's tools and <think>
#   <<SYS>> [INST] [/INST] [TOOL_CALLS]         Llama 2, Mistral
#   [CLS] [SEP] [MASK] [gMASK] [UNUSED_TOKEN_1] BERT, GLM, InternLM
_OPENING = re.compile(r"<(?=[|｜]|/?[\w:.-]+>)|\[(?=/?g?[A-Z][A-Z0-9_]+\])")


def defuse(text: str, special_tokens: Iterable[str] = ()) -> str:
    """``text`` with a word joiner behind the first character of everything that looks like a special token.

    ``special_tokens`` are those that a known tokenizer has beyond the usual forms. Unpaired surrogates, which cannot
    be sent, become "?".
    """
    safe = text.encode("utf-8", "replace").decode("utf-8")
    safe = _OPENING.sub(lambda found: found[0] + JOINER, safe)
    for token in special_tokens:
        if len(token) > 1:
            safe = safe.replace(token, token[0] + JOINER + token[1:])
    return safe
