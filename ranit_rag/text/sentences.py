"""Sentence ends of English and Chinese text, good enough to cut a long text where it does the least harm.

A missed end costs nothing but a longer sentence, a wrong one may part a name: in doubt there is none.
"""

from __future__ import annotations

import regex

_LINE_ENDS = r"\n\r\v\f\x85\u2028\u2029"
_CLOSERS = r"[\"'”’»」』】）〉》〕\])}]*+"
_END = regex.compile(
    rf"""
    (?: [{_LINE_ENDS}]\s*+
    | (?:[\p{{SB=STerm}}--[!?]] | …… | ⋯⋯)[\p{{SB=STerm}}…⋯]*+{_CLOSERS}\s*+  # 。！？ and their kin
    | (?<=[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}])[!?]++{_CLOSERS}\s*+
    | (?P<blank_needed>(?<![.!?…．])[.!?…．]++){_CLOSERS}\h++(?![\p{{Ll}},;:)\]}}{_LINE_ENDS}])
    )(?![\p{{GCB=Extend}}\p{{GCB=SpacingMark}}\p{{GCB=ZWJ}}])  # never inside a grapheme cluster
    """,
    regex.V1 | regex.X,
)

_ABBREVIATIONS = frozenset(
    """
    mr mrs ms messrs mx dr prof rev fr hon gov sen rep pres gen col maj capt cmdr lt sgt cpl adm st ste mt ft
    jr sr esq vs etc al cf ca viz approx est dept univ assn bros inc ltd co corp llc plc gmbh ave blvd rd
    """.split()  # noqa: SIM905
)
_BEFORE_NUMBERS = frozenset(
    """
    no nos vol vols fig figs tab eq eqs sec sect ch chap p pp art arts para ref refs ed eds op ver
    jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()  # noqa: SIM905
)
_INITIALS = regex.compile(r"(?:\p{L}\.)*+\p{Lu}|(?:\p{L}\.)++\p{L}")
_LAST_WORD = regex.compile(r"[\p{L}\p{M}.]*$")
_LONGEST_ABBREVIATION = 12
_LONGEST_ENUMERATOR = 3


def sentence_ends(text: str) -> list[int]:
    """Where the sentences of ``text`` end, the blanks after them included; the last end is ``len(text)``.

    A line is a sentence. There is no end in ``Dr. No``, ``U.S.``, ``J. Smith``, ``No. 5``, ``3.14``, ``1. Title`` and
    ``Yahoo! said``.
    """
    ends: list[int] = []
    start = 0
    for match in _END.finditer(text):
        if match["blank_needed"] == "." and _is_abbreviation(text, start, match):
            continue
        start = match.end()
        ends.append(start)
    if text and start < len(text):
        ends.append(len(text))
    return ends


def _is_abbreviation(text: str, start: int, match: regex.Match[str]) -> bool:
    stop = match.start()
    if stop - start <= _LONGEST_ENUMERATOR:
        return True
    word = _LAST_WORD.search(text[max(start, stop - _LONGEST_ABBREVIATION) : stop])[0]
    if word.casefold() in _BEFORE_NUMBERS:
        return text[match.end() : match.end() + 1].isdigit()
    return word.casefold() in _ABBREVIATIONS or _INITIALS.fullmatch(word) is not None
