"""General text that belongs to no domain: what a store's own text is told apart from. Written for this project."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

COMMON_TYPES = {
    "en": (
        *("person", "organization", "location", "date", "time", "event"),
        *("product", "number", "money", "country", "city", "miscellaneous"),
    ),
    "zh": ("人名", "组织机构", "地点", "时间", "日期", "事件", "产品", "数量", "金额", "国家", "城市", "其他"),
}
"""Types that anybody may ask of any text: they say little of its domain."""


@dataclass(frozen=True, slots=True)
class GeneralText:
    text: str
    types: tuple[str, ...]


@cache
def general_texts(language: str) -> tuple[GeneralText, ...]:
    """About 200 sentences of everyday life, each with a few types that somebody might ask of it."""
    name = "zh.tsv" if language == "zh" else "en.tsv"
    lines = (resources.files("ranit_rag.retrieval") / "background" / name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return tuple(
        GeneralText(text, tuple(types.replace("；", ";").replace("; ", ";").split(";"))) for text, types in rows
    )


def common_types(language: str) -> tuple[str, ...]:
    return COMMON_TYPES["zh" if language == "zh" else "en"]
