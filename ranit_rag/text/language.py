"""Which of the two languages a text is in, and its words for BM25."""

from __future__ import annotations

import unicodedata
import warnings
from functools import lru_cache
from typing import Any, Literal

import regex

from ranit_rag.errors import InputError
from ranit_rag.text import stop_words

Language = Literal["en", "zh"]

_HAN = regex.compile(r"\p{Han}")
_WORD_OF_OTHER_SCRIPTS = regex.compile(r"[[\p{L}\p{M}]--\p{Han}]+", regex.V1)
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}]"
    r"|\p{L}(?:\.\p{L})++(?![\p{L}\p{M}\p{N}])"  # u.s
    r"|[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+(?:'\p{L}++)*+"
)
_LETTER_OR_NUMBER = regex.compile(r"[\p{L}\p{N}]")
_STRAIGHT_APOSTROPHE = str.maketrans("’ʼ", "''")


def detect_language(text: str) -> Language:
    """``zh`` where Han characters outnumber the words of all other scripts together, else ``en``.

    A Han character is set against a word, not a letter, because it carries about as much: 使用PyTorch训练模型 is
    Chinese. Text without letters is ``en``.
    """
    return "zh" if _number_of(_HAN, text) > _number_of(_WORD_OF_OTHER_SCRIPTS, text) else "en"


def _number_of(pattern: regex.Pattern[str], text: str) -> int:
    """How often a pattern is in a text. A list of all words of a long text would take ten times its memory."""
    return sum(1 for _ in pattern.finditer(text))


def tokenize(text: str, language: str) -> list[str]:
    """The content words of ``text``, case-folded and NFKC-normalised, in order and with repeats.

    English is cut into runs of letters and numbers (``U.S.`` is one, a possessive ``'s`` is dropped, a Han or kana
    character stands alone), Chinese by jieba. Stop words, blanks and punctuation are left out. Raises InputError for
    other languages.
    """
    normal = unicodedata.normalize("NFKC", text).casefold()
    if language == "en":
        words = (word.removesuffix("'s") for word in _WORD.findall(normal.translate(_STRAIGHT_APOSTROPHE)))
        return [word for word in words if word not in stop_words.ENGLISH]
    if language == "zh":
        words = _segmenter().lcut(normal)
        return [word for word in words if _LETTER_OR_NUMBER.search(word) and word not in stop_words.CHINESE]
    raise InputError(f"{language!r} is not a language that can be tokenized", hint="the languages are 'en' and 'zh'")


@lru_cache(maxsize=1)
def _segmenter() -> Any:
    """A jieba tokenizer of our own (words that the host program adds to jieba's do not change scores), loaded in 0.5 s.

    ``initialize()`` would log to stderr and read and write a marshal file in the shared temporary directory, which is
    no faster than reading the dictionary.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and pkg_resources in jieba's own source
        import jieba
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter
