"""Text that breaks naive offset arithmetic, for the property tests of this folder."""

from __future__ import annotations

from hypothesis import strategies as st

ENGLISH = [
    "Aspirin",
    "aspirin",
    "ASPIRIN",
    "art",
    "party",
    "10mg",
    "10",
    "3.5",
    "COVID-19",
    "O’Neil",
    "Dr.",
    "U.S.",
    "e.g.",
]
CHINESE = ["华为", "公司", "在", "深圳。", "《三体》", "“好！”", "𠮷野家", "ＡＢＣ", "５０００"]
OTHERS = ["한국어에서", "東京タワー", "กรุงเทพ", "क्षि", "שָׁלוֹם", "القاهرة", "ﬁ", "ß", "İ", "ǅ", "café"]
EMOJI = ["👨‍👩‍👧‍👦", "👍🏽", "👍", "🇺🇸", "🇨🇳🇺🇸", "❤️", "1️⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e007f"]
COMBINED = ["cafe\u0301", "q\u0307\u0323", "a" + "\u0301" * 9, "か\u3099", "\u1112\u1161\u11ab"]
DIRECTED = ["\u202eabc\u202c", "\u2067\u05d0\u2069", "\u200f"]
INVISIBLE = ["\ufeff", "\u200b", "\u00ad", "\u2060", "\u200d", "\ufe0f"]
STRANGE = ["\x00", "\ud800", "\udfff", "\u0600", "\U0010ffff"]
BLANKS = [" ", "  ", "\n", "\r\n", "\n\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1f"]
MARKS = [".", ". ", "。", "！", "?", "…", ",", "-", "—", "“", '"', "(", ")"]

words = st.sampled_from(ENGLISH + CHINESE + OTHERS + EMOJI + COMBINED + DIRECTED + INVISIBLE + STRANGE) | st.text(
    st.characters(), max_size=6
)
evil_text = st.lists(words | st.sampled_from(BLANKS + MARKS), max_size=40).map("".join)
