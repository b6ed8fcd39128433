"""Grounding: an offset that is off by one marks the wrong words, an occurrence missed is an entity lost."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import pytest
import regex
from evil_text import evil_text, words
from hypothesis import assume, example, given
from hypothesis import strategies as st
from timing import within

from ranit_rag.text import Grounder
from ranit_rag.text.folding import Folded


def found(text: str, mention: str) -> list[str]:
    return [text[start:end] for start, end in Grounder(text).find(mention)]


def test_every_occurrence_is_its_own_entity() -> None:
    assert Grounder("Ann met Bob. Ann left.").find("Ann") == [(0, 3), (13, 16)]


@pytest.mark.parametrize(
    ("text", "mention", "expected"),
    [
        # a word is not found inside another
        ("a party of modern art", "art", ["art"]),
        ("a party", "art", []),
        ("Ugandans", "Uganda", []),
        ("ÉTATS état", "tat", []),
        ("Aspirin-induced, (Aspirin) Aspirin's #Aspirin _Aspirin_", "Aspirin", ["Aspirin"] * 5),
        ("user_id", "id", ["id"]),
        ("C++ and C#", "C++", ["C++"]),
        # a seam of letters and digits is an edge only where there is no better one
        ("COVID19", "COVID", ["COVID"]),
        ("10mg", "10", ["10"]),
        ("10mg or 10", "10", ["10"]),
        ("took 10 mg and 5mg", "mg", ["mg"]),
        ("3.5 mg, then 5", "5", ["5"]),
        ("in 2019, 5 people", "2019", ["2019"]),
        ("in 2019, 5 people", "5", ["5"]),
        ("IL10", "1", []),
        # what is written as asked comes before what is written otherwise
        ("IT said that it works", "IT", ["IT"]),
        ("it works", "IT", ["it"]),
        ("Straße", "STRASSE", ["Straße"]),
        ("МОСКВА", "Москва", ["МОСКВА"]),
        # scripts without blanks have no word edges
        ("华为公司在深圳", "深圳", ["深圳"]),
        ("使用Python编程", "Python", ["Python"]),
        ("東京タワー", "東京", ["東京"]),
        ("กรุงเทพมหานคร", "กรุงเทพ", ["กรุงเทพ"]),
        ("서울에서", "서울", ["서울"]),
        ("2023年10月", "10", ["10"]),
        # width, blanks, quotes, dashes
        ("ＡＢＣ公司", "ABC公司", ["ＡＢＣ公司"]),
        ("ABC公司（中国）", "ＡＢＣ公司(中国)", ["ABC公司（中国）"]),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム", ["ｶﾞﾝﾀﾞﾑ"]),
        ("New\n\t\u00a0York", "New York", ["New\n\t\u00a0York"]),
        ("华 为\u3000公\n司", "华为公司", ["华 为\u3000公\n司"]),
        ("华为 Mate 60", "华为Mate60", ["华为 Mate 60"]),
        ("( CNN ) said", "(CNN)", ["( CNN )"]),
        ("10 mg", "10mg", ["10 mg"]),
        ("therapist", "the rapist", []),
        ("the rapist", "therapist", []),
        ("O’Neil “Ace” — top", 'O\'Neil "Ace" - top', ["O’Neil “Ace” — top"]),
        ("COVID‑19", "COVID-19", ["COVID‑19"]),
        ("列奥纳多•达•芬奇", "列奥纳多·达·芬奇", ["列奥纳多•达•芬奇"]),
        # invisible characters
        ("As\u00adpi\u200brin", "Aspirin", ["As\u00adpi\u200brin"]),
        ("ex\u00adample", "ample", []),
        ("Aspirin", "\ufeffAsp\u2060irin\u200b", ["Aspirin"]),
        ("می\u200cخواهم", "میخواهم", ["می\u200cخواهم"]),
        ("\u202eabc\u202c def", "abc", ["abc"]),
        ("a \u2067שלום\u2069 b", "שלום", ["שלום"]),
        # composition and clusters
        ("cafe\u0301s cafe\u0301", "café", ["cafe\u0301"]),
        ("café", "cafe\u0301", ["café"]),
        ("cafe\u0301", "cafe", []),
        ("か\u3099", "か", []),
        ("שָׁלוֹם", "שָׁלוֹם", ["שָׁלוֹם"]),
        ("oﬃce", "office", ["oﬃce"]),
        ("ﬁn", "i", []),
        ("\u1112\u1161\u11ab국", "한국", ["\u1112\u1161\u11ab국"]),
        # emoji
        ("I ❤️ NY", "❤", ["❤️"]),
        ("👨‍👩‍👧 and 👩", "👩", ["👩"]),
        ("👍🏽👍", "👍", ["👍"]),
        ("🇺🇸🇬🇧", "🇬🇧", ["🇬🇧"]),
        ("🇺🇸🇬🇧", "🇸🇬", []),
        ("1️⃣", "1", []),
        # the rest of what a file can hold
        ("𠮷野家と吉野家", "𠮷野家", ["𠮷野家"]),
        ("a\x00b a", "a\x00b", ["a\x00b"]),
        ("\ud800x\udfff", "\ud800", ["\ud800"]),
        # nothing to find
        ("text", "", []),
        ("text", " \n\u200b", []),
        ("", "text", []),
        (" \u200b", "text", []),
        ("short", "much longer than the text", []),
    ],
)
def test_a_mention_is_found_where_a_reader_finds_it(text: str, mention: str, expected: list[str]) -> None:
    assert found(text, mention) == expected


def test_blanks_around_a_mention_do_not_matter_and_are_not_marked() -> None:
    assert Grounder("  Aspirin\u3000 eased").find("\n Aspirin ") == [(2, 9)]


def test_of_overlapping_places_the_first_counts() -> None:
    assert Grounder("哈哈哈").find("哈哈") == [(0, 2)]
    assert Grounder("to be or to be or to be").find("to be or to be") == [(0, 14)]


def test_a_place_inside_a_word_does_not_hide_one_that_overlaps_it() -> None:
    assert Grounder("xa a a").find("a a") == [(3, 6)]


@given(st.text("ab1- ", max_size=30), st.text("ab1- ", min_size=1, max_size=4))
def test_every_bounded_exact_occurrence_is_found(text: str, mention: str) -> None:
    mention = mention.strip()
    assume(mention)
    before = r"(?<![ab1])" if mention[0] not in "-" else ""
    after = r"(?![ab1])" if mention[-1] not in "-" else ""
    expected = [match.span() for match in re.finditer(before + re.escape(mention) + after, text)]
    if expected:
        assert Grounder(text).find(mention) == expected


@given(evil_text, st.data())
@example(text="👩\u200d", data=None)
def test_spans_say_what_the_mention_says(text: str, data: st.DataObject | None) -> None:
    if data is None:
        mention = text
    else:
        start = data.draw(st.integers(0, len(text)))
        mention = data.draw(words | st.just(text[start : start + data.draw(st.integers(0, 12))]))
    end_before = 0
    for start, end in Grounder(text).find(mention):
        assert end_before <= start < end <= len(text)
        end_before = end
        assert Folded(text[start:end]).text == Folded(mention).text
        for edge in (text[start], text[end - 1]):
            assert not edge.isspace()
            assert edge not in "\u200b\u200c\u200d\u200e\u200f\u00ad\u2060\ufeff\u202e"
        assert not regex.match(r"[\p{GCB=Extend}\p{GCB=SpacingMark}]", text, pos=end)


@given(evil_text)
def test_a_text_is_found_in_itself_as_a_whole(text: str) -> None:
    assume(Folded(text).text)
    (span,) = Grounder(text).find(text)
    assert not Folded(text[: span[0]]).text
    assert not Folded(text[span[1] :]).text


@given(st.lists(words.filter(lambda word: Folded(word).text), min_size=1, max_size=12))
def test_every_word_of_a_text_is_found_where_it_stands(parts: list[str]) -> None:
    text = " ".join(parts)
    grounder = Grounder(text)
    offset = 0
    for part in parts:
        end = offset + len(part)
        assert any(start < end and offset < stop for start, stop in grounder.find(part))
        offset = end + 1


HOSTILE = {
    "english": ("The quick brown fox jumps over Acme Corp. " * 24_000, "Acme Corp."),
    "chinese": ("华为公司在深圳发布了新手机。" * 71_000, "深圳"),
    "one letter": ("a" * 1_000_000, "a"),
    "one character": ("的" * 1_000_000, "的"),
    "a word of 100,000": ("a" * 1_000_000, "a" * 100_000),
    "overlaps itself": ("bc " * 333_000, "bc " * 33_000 + "b"),
    "nearly": ("a " * 500_000, "a " * 50_000 + "b"),
    "nearly, short": ("a" * 1_000_000, "a" * 63 + "b"),
    "flags": ("🇺🇸" * 500_000, "🇸🇺"),
    "accents": ("a" + "\u0301" * 1_000_000, "a"),
    "invisible": ("a\u200b" * 500_000, "a"),
    "blanks": (" " * 1_000_000, "a a"),
    "surrogates": ("\ud800" * 1_000_000, "\ud800\ud800"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_or_mention_hangs(name: str) -> None:
    text, mention = HOSTILE[name]
    with within(8):
        Grounder(text).find(mention)


def test_a_thousand_mentions_in_a_megabyte() -> None:
    text = " ".join(f"Patient {n} of Dr. Name{n % 500} took Aspirin." for n in range(25_000))
    grounder = Grounder(text)
    with within(10):
        assert all(grounder.find(f"name{n}") for n in range(500))
        assert not any(grounder.find(f"Absent{n}") for n in range(500))


@pytest.mark.parametrize("name", ["conll2003", "bio_bc5cdr", "tasteset", "boson_zh", "cmeee", "ecommerce_zh"])
def test_annotated_entities_are_found_where_they_were_annotated(shared_data: Path, name: str) -> None:
    """The few that are not are cut out of words (``H`` in ``C26H26``) beside whole words of the same form."""
    path = shared_data / "ner" / f"{name}.jsonl.xz"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    entities = missed = 0
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(300), lines, strict=False):
            record = json.loads(line)
            grounder = Grounder(record["text"])
            for entity in record["entities"]:
                span = (entity["start"], entity["end"])
                entities += 1
                missed += span not in grounder.find(record["text"][slice(*span)])
    assert entities > 300
    assert missed <= 0.005 * entities
