"""HTML: what a reader sees must be the text, unharmed and unharming, with every entity in its place."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import ServerError
from ranit_rag.html import PALETTE, fragment, page
from ranit_rag.results import Dropped, Extraction, Failure, Usage
from ranit_rag.types import Decision, Entity


class Reading(HTMLParser):
    """What stands in the text of a fragment: its characters, and for each the marks around it."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.marks: list[str] = []
        self.covered: dict[str, list[int]] = {}
        self.labels: list[str] = []
        self._inside = 0
        self._label = False
        self.feed(source)
        self.close()
        assert not self.marks, "every mark is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "div":
            self._inside = self._inside + 1 if self._inside or given.get("class") == "ranit-text" else 0
        elif tag == "mark":
            self.marks.append(given["title"] or "")
        elif tag == "span" and self._inside:
            self._label = True
            self.labels.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._inside:
            self._inside -= 1
        elif tag == "mark":
            self.marks.pop()
        elif tag == "span":
            self._label = False

    def handle_data(self, data: str) -> None:
        if self._label:
            self.labels[-1] += data
        elif self._inside:
            for mark in self.marks:
                self.covered.setdefault(mark, []).extend(range(len(self.text), len(self.text) + len(data)))
            self.text += data


@st.composite
def extractions(draw: st.DrawFn) -> Extraction:
    text = draw(st.text("ab <&>\"'中\n\u0627\u0301😀", min_size=1, max_size=30))
    entities = []
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        entities.append(Entity(text[start:end], draw(st.sampled_from(["a", "b<", "类"])), start, end))
    return Extraction(text, "en", tuple(dict.fromkeys(entities)))


@given(extractions())
def test_text_comes_back_and_every_entity_covers_its_own_characters(extraction: Extraction) -> None:
    reading = Reading(fragment(extraction))
    assert reading.text == extraction.text
    for entity in extraction.entities:
        covered = reading.covered[f"{entity.label} · {entity.start}–{entity.end}"]
        assert covered == list(range(entity.start, entity.end))
    assert sorted(reading.labels) == sorted(entity.label for entity in extraction.entities)


def test_nothing_in_a_text_becomes_markup() -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    entity = Entity(hostile[:8], '"><b>type</b>', 0, 8)
    decision = Decision("none", "<i>why</i>")
    dropped = Dropped("<u>gone</u>", "<s>label</s>", "ungrounded")
    extraction = Extraction(hostile, '"><em>', (entity,), (decision,), dropped=(dropped,))
    failure = Failure(1, hostile, ServerError("<b>message</b>", hint="<b>hint</b>"))
    written = page([extraction, failure], headings=["<b>heading</b>"], title="<b>title</b>")
    body = re.sub(r"<style>.*?</style>", "", written, flags=re.DOTALL)
    assert not re.search(r"<(script|img|b|i|u|s|em)\b", body)


def test_a_page_needs_nothing_beside_it() -> None:
    written = page([Extraction("text", "en")])
    assert not re.search(r"(src|href)=|url\(|@import|<link|<script", written)
    assert written.startswith("<!doctype html>")


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("hue", PALETTE)
def test_every_colour_can_be_read_in_both_themes(hue: tuple[str, str, str, str]) -> None:
    tint, light, dark, ink = hue
    assert _contrast(ink, tint) >= 4.5
    assert _contrast("#ffffff", dark) >= 4.5
    assert _contrast(ink, light) >= 4.5


def test_types_get_different_colours_and_keep_them_across_the_page() -> None:
    words = "abcdefghijkl"
    entities = tuple(Entity(word, word, i, i + 1) for i, word in enumerate(words))
    written = page([Extraction(words, "en", entities), Extraction(words, "en", entities[::-1])])
    colours: dict[str, set[str]] = {}
    for number, label in re.findall(r'<span class="ranit-label ranit-(\d+)">(\w)</span>', written):
        colours.setdefault(label, set()).add(number)
    assert all(len(numbers) == 1 for numbers in colours.values())
    assert len(set.union(*colours.values())) == len(words)


def test_notebooks_show_the_fragment() -> None:
    extraction = Extraction("ab", "en", (Entity("a", "letter", 0, 1),))
    assert extraction._repr_html_() == fragment(extraction)


def test_the_legend_counts_the_entities_of_each_type() -> None:
    entities = (Entity("a", "letter", 0, 1), Entity("b", "letter", 1, 2), Entity("1", "digit", 2, 3))
    written = fragment(Extraction("ab1", "en", entities))
    assert re.findall(r"<li><span[^>]*>(\w+)</span> (\d)</li>", written) == [("letter", "2"), ("digit", "1")]


def test_the_decision_and_the_losses_are_told() -> None:
    decisions = (Decision("out_domain", "2 of 9 passed", end=4), Decision("none", "nothing passed", start=4, end=8))
    extraction = Extraction(
        "some text", "en", (), decisions, Usage(10, 0, 5, 1, {"engine": 0.5}), 1.0, (Dropped("x", "y", "ungrounded"),)
    )
    shown = html.unescape(fragment(extraction))
    for told in ("2 windows", "2 of 9 passed", "nothing passed", "1 dropped", "ungrounded", "15 tokens", "0.50 s"):
        assert told in shown


def test_characters_that_no_file_can_hold_are_shown_by_others() -> None:
    written = page([Extraction("a\ud83d\x00\x1b[31m\x7fb", "en")])
    assert "a\ufffd\u2400\u241b[31m\u2421b" in written
    written.encode("utf-8")


def test_a_long_text_with_many_entities_is_quick() -> None:
    text = "word " * 40_000
    entities = tuple(Entity("word", "w", i, i + 4) for i in range(0, len(text), 5))
    assert fragment(Extraction(text, "en", entities)).count("<mark") == len(entities)
