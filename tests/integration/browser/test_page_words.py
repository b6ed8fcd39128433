"""What the page is made of: its words in both languages, its colours, and no way in for foreign code."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from ranit_rag.html import PALETTE, hues_of

OpenPage = Callable[..., Any]
PAGE = files("ranit_rag.service") / "page"


def sources() -> dict[str, str]:
    return {item.name: item.read_text("utf-8") for item in PAGE.iterdir() if item.name.endswith((".js", ".html"))}


def test_every_word_is_there_in_both_languages_and_used(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    words = page.evaluate(
        """async () => {
            const [en, zh] = await Promise.all(['en', 'zh'].map((name) => import(`./page/${name}.js`)));
            return { en: en.default, zh: zh.default };
        }"""
    )
    assert words["en"].keys() == words["zh"].keys()
    for key in words["en"]:
        english, chinese = (str(words[language][key]) for language in ("en", "zh"))
        assert set(re.findall(r"\{\w+\}", chinese)) <= set(re.findall(r"\{\w+\}", english)), key
    code = "\n".join(text for name, text in sources().items() if name not in ("en.js", "zh.js"))
    composed = ("problem.", "route.", "dropped.", "language.", "filter.")  # followed by what the service says
    named = [key for key in words["en"] if not key.startswith(composed)]
    assert [key for key in named if f"{key}'" not in code and f'{key}"' not in code] == []


def test_labels_have_the_colours_of_notebooks_and_reports(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    labels = ["person", "drug", "disease", "公司", "药物", "Side Effect", "location", "b", "c", "d", "e", "f", "g", "h"]
    hues = page.evaluate("async (labels) => [...(await import('./page/labels.js')).huesOf(labels)]", labels)
    assert dict(hues) == hues_of(labels)
    colours = " ".join((PAGE / "tokens.css").read_text("utf-8").split())
    for i, (tint, light, dark, ink) in enumerate(PALETTE):
        assert f".hue-{i} {{ --tint: light-dark({tint}, {ink}); --ink: light-dark({ink}, {tint}); " in colours
        assert f"--solid: light-dark({dark}, {light}); --on: light-dark(#fff, {ink}); }}" in colours


def test_nothing_is_read_as_code_or_fetched_from_elsewhere(served: str) -> None:
    with urllib.request.urlopen(served) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy, "the browser itself refuses text as HTML"
    assert "unsafe" not in policy
    for name, text in sources().items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )
        assert not re.search(r"https?://(?!www\.w3\.org)", text), name
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", text), name
