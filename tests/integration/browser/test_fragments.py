"""What notebooks show, in a real browser: the theme of the page that they stand in, and no text that acts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ranit_rag.html import PALETTE, hues_of
from ranit_rag.results import Extraction
from ranit_rag.types import Decision, Entity, Example, ShownExample

HOSTILE = (
    '<script>document.title="taken"</script><img src=x onerror=\'document.title="taken"\'>"><style>*{display:none}'
)
OpenPage = Callable[..., Any]


def written(folder: Path, fragment: str, body: str = "") -> Path:
    path = folder / "page.html"
    path.write_text(f'<!doctype html><meta charset="utf-8"><title>safe</title><body {body}>{fragment}</body>', "utf-8")
    return path


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize(
    ("body", "dark"),
    [
        ("", False),
        ('data-jp-theme-light="true"', False),
        ('data-jp-theme-light="false"', True),
        ('class="vscode-dark"', True),
        ('class="dark"', True),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_fragment_goes_with_its_page_whatever_the_system_prefers(
    open_page: OpenPage, tmp_path: Path, body: str, dark: bool, scheme: str
) -> None:
    tint, _, _, ink = PALETTE[hues_of(["letter"])["letter"]]
    fragment = Extraction("ab", "en", (Entity("a", "letter", 0, 1, 0.5),))._repr_html_()
    page = open_page(written(tmp_path, fragment, body), scheme=scheme)
    colours = page.evaluate(
        "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.querySelector('mark')))"
    )
    assert colours == [rgb(tint), rgb(ink)] if dark else [rgb(ink), rgb(tint)]


def test_no_text_acts_or_leaves_its_place(open_page: OpenPage, tmp_path: Path) -> None:
    example = Example.from_mentions(HOSTILE, {HOSTILE: ["taken"]}, domain=HOSTILE, source=HOSTILE)
    decision = Decision("in_domain", HOSTILE, HOSTILE, (ShownExample(example, 0.5),), probability=0.5, threshold=0.5)
    extraction = Extraction(HOSTILE, HOSTILE, (Entity("<script>", HOSTILE, 0, 8),), (decision,))
    shown = "".join(each._repr_html_() for each in (extraction, decision, example))
    page = open_page(written(tmp_path, shown))
    assert page.title() == "safe"
    assert page.locator("script, img").count() == 0
    assert page.locator(".ranit-text").first.is_visible()
    assert HOSTILE.replace("<script>", "").split('"')[0] in page.locator(".ranit-text").first.text_content()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_mention_does_not_widen_the_page(open_page: OpenPage, tmp_path: Path, width: int) -> None:
    long = "x" * 400
    extraction = Extraction(long, "en", (Entity(long, "a type with a rather long name " * 3, 0, 400, 0.5),))
    page = open_page(written(tmp_path, extraction._repr_html_()), width=width)
    page.click("summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
