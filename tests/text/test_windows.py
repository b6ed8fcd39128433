"""Windows: what they leave out is never read by the model, what is over the budget is cut off by it."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from evil_text import evil_text
from hypothesis import example, given
from hypothesis import strategies as st
from timing import within

from ranit_rag.errors import InputError
from ranit_rag.text import Window, split_windows
from ranit_rag.text.sentences import sentence_ends


def utf8(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def with_frame(text: str) -> int:
    """As a tokenizer that puts a token before and after every text."""
    return len(text) + 2


def merging(text: str) -> int:
    """As a tokenizer that merges over the places where sentences meet: parts add up to more than the whole."""
    return -(-len(text) // 3)


def splitting(text: str) -> int:
    """Worse than any tokenizer: the whole is more than its parts."""
    return len(text) + len(text) // 5


counters = st.sampled_from([len, utf8, with_frame, merging, splitting])


def pieces(text: str, **budget: int) -> list[str]:
    return [text[w.start : w.end] for w in split_windows(text, count_tokens=len, **budget)]


@given(text=evil_text, max_tokens=st.integers(6, 60), overlap_tokens=st.integers(0, 40), count_tokens=counters)
@example(text=" " * 50, max_tokens=10, overlap_tokens=4, count_tokens=len)
@example(text="a" + "\u0301" * 50, max_tokens=10, overlap_tokens=4, count_tokens=len)
def test_every_character_is_read_within_the_budget(
    text: str, max_tokens: int, overlap_tokens: int, count_tokens: Callable[[str], int]
) -> None:
    windows = split_windows(text, max_tokens=max_tokens, overlap_tokens=overlap_tokens, count_tokens=count_tokens)
    assert bool(windows) == bool(text)
    assert all(count_tokens(text[w.start : w.end]) <= max_tokens for w in windows)
    if text:
        assert windows[0].start == 0
        assert windows[-1].end == len(text)
    for one, other in pairwise(windows):
        assert one.start < other.start <= one.end < other.end
        if count_tokens is len:
            assert one.end - other.start <= min(overlap_tokens, max_tokens // 2)
    if count_tokens(text) <= max_tokens:
        assert len(windows) <= 1


@given(text=evil_text, overlap_tokens=st.integers(0, 30))
def test_no_window_begins_or_ends_inside_a_character_as_readers_see_it(text: str, overlap_tokens: int) -> None:
    """Half of a family emoji or a letter without its accent is another entity, or none."""
    windows = split_windows(text, max_tokens=30, overlap_tokens=overlap_tokens, count_tokens=len)
    bounds = {bound for window in windows for bound in (window.start, window.end)}
    assert not [c for c in regex.finditer(r"\X", text) if any(c.start() < bound < c.end() for bound in bounds)]


def test_text_that_fits_is_one_window() -> None:
    assert split_windows("One. Two.", max_tokens=9, overlap_tokens=3, count_tokens=len) == [Window(0, 9)]


def test_windows_end_with_sentences_and_share_whole_ones() -> None:
    """A name near the end of a window is seen again with the sentence around it."""
    text = "Ann came. Bob left. Cid sat. Dan ran. "
    ann_bob, bob_cid, cid_dan = "Ann came. Bob left. ", "Bob left. Cid sat. ", "Cid sat. Dan ran. "
    assert pieces(text, max_tokens=20, overlap_tokens=10) == [ann_bob, bob_cid, cid_dan]
    assert pieces(text, max_tokens=20, overlap_tokens=0) == [ann_bob, cid_dan]


def test_a_sentence_over_the_budget_is_cut_between_words_and_shared_in_part() -> None:
    """Without the shared part an entity at the cut would be lost in both windows."""
    text = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda"
    parts = pieces(text, max_tokens=30, overlap_tokens=14)
    assert all(part[-1] == " " for part in parts[:-1])
    windows = split_windows(text, max_tokens=30, overlap_tokens=14, count_tokens=len)
    assert all(one.end > other.start for one, other in pairwise(windows))


def test_chinese_without_blanks_is_cut_after_a_comma() -> None:
    parts = pieces("华为公司在深圳，小米公司在北京，腾讯也在深圳，阿里巴巴在杭州", max_tokens=12, overlap_tokens=0)
    assert [part[-1] for part in parts[:-1]] == ["，"] * (len(parts) - 1)


def test_an_endless_word_is_read_whole() -> None:
    windows = split_windows("x" * 10_000, max_tokens=100, overlap_tokens=20, count_tokens=len)
    assert windows[-1].end == 10_000
    assert all(0 < one.end - other.start <= 20 for one, other in pairwise(windows))


def test_flags_and_families_survive_a_cut() -> None:
    parts = pieces("🇺🇸🇨🇳" * 30 + "👨‍👩‍👧" * 30, max_tokens=15, overlap_tokens=0)
    assert not [part for part in parts if part.replace("🇺🇸", "").replace("🇨🇳", "").replace("👨‍👩‍👧", "")]


def test_a_cluster_over_the_budget_is_cut_for_coverage() -> None:
    """A thousand accents on one letter must not stop the reading of the text around it."""
    assert pieces("a" + "\u0301" * 1000, max_tokens=50, overlap_tokens=0)[0][0] == "a"


def test_a_character_over_the_budget_is_an_error_not_a_loss() -> None:
    with pytest.raises(InputError, match="'华' alone is 3 tokens"):
        split_windows("abc华为", max_tokens=2, overlap_tokens=0, count_tokens=utf8)


@pytest.mark.parametrize(("max_tokens", "overlap_tokens"), [(0, 0), (-5, 0), (10, -1)])
def test_a_bad_budget_is_an_error(max_tokens: int, overlap_tokens: int) -> None:
    with pytest.raises(InputError, match="cannot be made"):
        split_windows("text", max_tokens=max_tokens, overlap_tokens=overlap_tokens, count_tokens=len)


def test_an_overlap_of_a_whole_window_is_held_to_half() -> None:
    """Otherwise every sentence would be read in many windows, and a long text would never end."""
    windows = split_windows("One two. " * 100, max_tokens=90, overlap_tokens=90, count_tokens=len)
    assert len(windows) <= 20


HOSTILE = ["The quick fox. ", "华为公司在深圳。", "a", "和", " ", ". ", "\n", "好。", "e\u0301", "👨‍👩‍👧", "🇺🇸"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_megabyte_takes_seconds_and_counts_in_proportion(unit: str) -> None:
    """A tokenizer call is the dear part: quadratic counting would hang on a book."""
    text = unit * (1_000_000 // len(unit))
    counted = 0

    def count(part: str) -> int:
        nonlocal counted
        counted += len(part)
        return len(part) // 3 + 1

    with within(8):
        windows = split_windows(text, max_tokens=1024, overlap_tokens=64, count_tokens=count)
    assert counted < 6 * len(text)
    assert windows[-1].end == len(text)


@pytest.mark.parametrize("name", ["en_wikinews_2019_2020", "en_eltec_novels", "zh_cmrc_xquad_wikipedia"])
def test_real_texts_are_cut_at_sentence_ends(shared_data: Path, name: str) -> None:
    path = shared_data / "text" / f"{name}.txt.xz"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        text = stream.read(200_000)
    with within(2):
        windows = split_windows(text, max_tokens=2000, overlap_tokens=300, count_tokens=len)
    ends = set(sentence_ends(text))
    at_sentences = sum(window.end in ends for window in windows)
    assert at_sentences >= 0.95 * len(windows)
    last = [text[window.start : window.end].rstrip(" ")[-1] for window in windows]
    assert sum(character in "\n.!?。！？…”\"’')）" for character in last) >= 0.9 * len(windows)
