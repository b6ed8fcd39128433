"""A decision in a notebook: a reader must see the route, why, how sure, and what was shown."""

from __future__ import annotations

import html
import re

import pytest

from ranit_rag.errors import ServerError
from ranit_rag.results import Failure
from ranit_rag.types import Decision, Example, ShownExample

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
SHOWN = Example.from_mentions("Metformin helps.", {"drug": ["Metformin"]}, domain="biomedicine")


def body(fragment: str) -> str:
    return re.sub(r"<style>.*?</style>", "", fragment, flags=re.DOTALL)


def told(fragment: str) -> str:
    """The words of a fragment."""
    return html.unescape(re.sub(r"<[^>]+>", " ", body(fragment)))


def bars(fragment: str) -> list[tuple[str, str]]:
    """The width of each bar and the place of its tick."""
    return re.findall(r'<i style="width:([\d.]+%)"></i>(?:<b style="left:([\d.]+%)">)?', fragment)


def test_route_reason_signals_and_examples_are_shown() -> None:
    decision = Decision(
        "in_domain",
        "biomedicine: text 0.40",
        "biomedicine",
        (ShownExample(SHOWN, 0.47, 0.21),),
        text_score=0.4,
        types_score=1.0,
        probability=0.97,
        p_value=0.9,
        threshold=0.5,
    )
    shown = decision._repr_html_()
    for words in ("in_domain", "biomedicine: text 0.40", "0.97 ≥ 0.50", "cosine 0.47 · BM25 0.21"):
        assert words in told(shown)
    assert bars(shown) == [("97.0%", "50.0%"), ("40.0%", ""), ("100.0%", ""), ("90.0%", "")]
    assert re.search(r'<mark class="ranit-\d+" title="drug · 0–9">Metformin', shown)


def test_signals_that_were_not_computed_are_left_out() -> None:
    shown = Decision("none", "examples are never shown")._repr_html_()
    assert bars(shown) == []
    assert "examples are never shown" in told(shown)


@pytest.mark.parametrize(("score", "width"), [(-0.2, "0.0%"), (1.3, "100.0%")])
def test_a_bar_stays_within_its_frame(score: float, width: str) -> None:
    assert bars(Decision("none", "far", text_score=score)._repr_html_()) == [(width, "")]


def test_a_probability_below_the_threshold_reads_so() -> None:
    assert "0.20 < 0.50" in told(Decision("none", "far", probability=0.2, threshold=0.5)._repr_html_())


def test_nothing_that_a_decision_holds_becomes_markup() -> None:
    example = Example.from_mentions(HOSTILE, {"<b>type</b>": ["alert"]}, domain="<i>", source="<u>", id="<s>")
    decision = Decision("in_domain", HOSTILE, HOSTILE, (ShownExample(example, 0.1),))
    failure = Failure(0, HOSTILE, ServerError(HOSTILE, hint=HOSTILE))
    for shown in (decision, example, failure):
        assert not re.search(r"<(script|img|i|u|s)\b(?! style)", body(shown._repr_html_()))


def test_an_example_is_shown_with_what_is_known_of_it() -> None:
    example = Example.from_mentions("Ada wrote.", {"person": ["Ada"]}, domain="letters", source="by hand", id="7")
    assert "letters · by hand · 7" in told(example._repr_html_())


def test_a_failure_is_shown_with_its_remedy() -> None:
    shown = told(Failure(0, "the text", ServerError("no answer", hint="try again"))._repr_html_())
    assert all(words in shown for words in ("the text", "no answer", "try again"))
