"""The guard that keeps a query's own text from being shown as an example to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.text.duplicates import NearDuplicates, near_duplicate, text_fingerprint

SENTENCE = "The European Central Bank raised its key rate to 4.5 percent on Thursday in Frankfurt."


def test_case_width_and_blanks_do_not_make_another_text() -> None:
    assert text_fingerprint("ＡＳＰＩＲＩＮ　eased\nit ") == text_fingerprint("aspirin eased it")
    assert text_fingerprint("C#") != text_fingerprint("C")
    assert text_fingerprint("") != text_fingerprint(".")


def test_small_changes_are_near_duplicates() -> None:
    assert near_duplicate(SENTENCE, SENTENCE.replace("Thursday", "Friday"))
    assert near_duplicate(SENTENCE, SENTENCE.upper().replace(".", " !"))
    assert near_duplicate("央行周四宣布上调基准利率至百分之四点五。", "央行周四宣布，上调基准利率至百分之四点五")
    assert near_duplicate("Hi!", "hi")


def test_a_sentence_in_its_own_paragraph_is_a_near_duplicate() -> None:
    paragraph = f"Markets had waited for weeks. {SENTENCE} Analysts were divided on what comes next for lenders."
    assert near_duplicate(paragraph, SENTENCE)
    assert near_duplicate(SENTENCE, paragraph)


def test_other_texts_are_not() -> None:
    assert not near_duplicate(SENTENCE, "The Bank of Japan left its policy rate unchanged on Friday in Tokyo.")
    assert not near_duplicate("Good morning.", f"Good morning. {SENTENCE}"), "a greeting is no contamination"
    assert not near_duplicate("患者出现发热。", "患者出现咳嗽。")
    assert not near_duplicate("", SENTENCE)


@given(st.text(), st.text())
def test_every_text_repeats_itself_and_the_relation_is_symmetric(one: str, other: str) -> None:
    assert one in NearDuplicates(one)
    assert near_duplicate(one, other) == near_duplicate(other, one)
