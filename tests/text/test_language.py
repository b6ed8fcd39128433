"""Language detection chooses the prompt, and the words decide what BM25 calls relevant."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import regex
from evil_text import evil_text
from hypothesis import given
from timing import within

from ranit_rag.errors import InputError
from ranit_rag.text import detect_language, stop_words, tokenize


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Aspirin eased her migraine.", "en"),
        ("华为公司在深圳发布了新手机。", "zh"),
        ("使用PyTorch训练BERT模型", "zh"),
        ("由于发行商GameCockMedia的倒闭，动作RPG《地下城英雄》", "zh"),
        ("Xi Jinping (习近平) is the president of China", "en"),
        ("東京タワーは1958年に完成した", "zh"),
        ("ひらがなとカタカナ", "en"),
        ("한국어 문장", "en"),
        ("𠮷𠮷", "zh"),
        ("ＡＢＣ ＤＥＦ", "en"),
        ("", "en"),
        ("12345 !? 👍🏽", "en"),
        ("\ud800\x00", "en"),
    ],
)
def test_a_text_is_asked_in_its_own_language(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_a_chinese_paragraph_with_long_english_names_stays_chinese() -> None:
    """Counted by letters, the names would outweigh the Han characters and an English prompt would be used."""
    assert detect_language("过敏性紫癜肾炎（henochschonleinpurpuranephritis，HSPN）常见") == "zh"


@given(evil_text)
def test_any_text_has_a_language_and_words(text: str) -> None:
    assert detect_language(text) in ("en", "zh")
    for word in tokenize(text, "en"):
        assert regex.search(r"[\p{L}\p{N}\p{Han}]", word)
        assert word not in stop_words.ENGLISH


def test_english_words_match_whatever_their_case_width_and_apostrophe() -> None:
    assert tokenize("The U.S. didn’t ban ASPIRIN’s ｒｉｖａｌ (COVID-19)", "en") == [
        *("u.s", "ban", "aspirin", "rival", "covid", "19")
    ]
    assert tokenize("cafe\u0301", "en") == tokenize("CAFÉ", "en") == ["café"]


def test_chinese_names_in_english_text_are_not_one_long_word() -> None:
    """As one run a quoted Chinese sentence would never match another text."""
    assert tokenize("Huawei 华为", "en") == ["huawei", "华", "为"]


def test_chinese_words_without_function_words_and_punctuation() -> None:
    assert tokenize("华为公司在深圳发布了新的Mate60手机，售价５０００元。", "zh") == [
        *("华为公司", "深圳", "发布", "新", "mate60", "手机", "售价", "5000", "元")
    ]
    assert tokenize("，。\u3000\n", "zh") == []


def test_traditional_function_words_are_dropped_too() -> None:
    assert "這些" not in tokenize("這些公司", "zh")


@pytest.mark.parametrize("words", [stop_words.ENGLISH, stop_words.CHINESE])
def test_every_stop_word_can_match_a_token(words: frozenset[str]) -> None:
    assert words == {unicodedata.normalize("NFKC", word).casefold() for word in words}


def test_another_language_is_an_error_with_a_remedy() -> None:
    with pytest.raises(InputError, match="'fr'") as caught:
        tokenize("Bonjour", "fr")
    assert "'zh'" in caught.value.hint


def test_detection_is_fast_on_a_megabyte() -> None:
    with within(5):
        for text in ("The quick fox. " * 70_000, "华为公司在深圳。" * 125_000, "a华" * 500_000):
            detect_language(text)


def test_jieba_speaks_to_nobody_and_writes_nothing(tmp_path: Path) -> None:
    """Its start-up message would mix with logs, and its cache in the temporary directory is shared by all users."""
    code = "from ranit_rag.text import tokenize; import sys; assert 'jieba' not in sys.modules; tokenize('深圳', 'zh')"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_words_added_to_the_hosts_jieba_do_not_change_scores() -> None:
    import jieba

    before = tokenize("深圳华强北路", "zh")
    jieba.add_word("圳华强")
    assert tokenize("深圳华强北路", "zh") == before
