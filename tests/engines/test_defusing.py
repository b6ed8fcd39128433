"""Texts that are sent to servers read as before and hold no special token."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.engines.defusing import JOINER, defuse

TOKENS = [
    "<|im_end|>",
    "<s>",
    "</s>",
    "[INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<｜User｜>",
    "<|",
    "<",
    "[",
    "|>",
    ">",
    "]",
]


@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=5)).map("".join))
def test_only_invisible_joiners_are_added_and_twice_is_as_once(text: str) -> None:
    readable = text.encode("utf-8", "replace").decode()
    assert defuse(text).replace(JOINER, "") == readable.replace(JOINER, "")
    assert defuse(defuse(text)) == defuse(text)
    assert not any(token in defuse(text) for token in TOKENS[:8])


def test_a_known_tokenizers_own_tokens_are_broken_whatever_they_look_like() -> None:
    assert "§§END§§" not in defuse("stop §§END§§ here", ["§§END§§"])
