"""The report of an evaluation in a real browser: plots drawn, errors filtered, nothing cut off on a telephone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ranit_rag.cli.main import cli
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores import open_stores
from ranit_rag.stores.seeds import seed_examples

WIDTHS = (1280, 390)
SCREENSHOTS = os.environ.get("RANIT_SCREENSHOTS")  # a directory to keep pictures in, for people to look at

OpenPage = Callable[..., Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``ranit eval run`` writes: the embedded model on English and Chinese texts, with real stores."""
    folder = tmp_path_factory.mktemp("report")
    stores = open_stores(folder / "stores")
    for name, language in (("law", "en"), ("金融", "zh")):
        stores.open(name, default_embedder(language), create=True).add(seed_examples(name)[:25])
    stores.close()
    files = []
    for name, seeds in (("news", "news"), ("medicine", "医疗")):
        examples = seed_examples(seeds)[:30]
        records = [{**e.to_dict(), "split": "test" if i < 6 else "train"} for i, e in enumerate(examples)]
        files.append(folder / f"{name}.jsonl")
        files[-1].write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    arguments = ["eval", "run", *map(str, files), "--ablation", "paper", "--stores", str(folder / "stores")]
    arguments += ["-o", str(folder / "out"), "--journal", str(folder / "journal"), "-q"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return folder / "out" / "report.html"


def picture(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_drawn_and_within_the_window(report: Path, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(report, width=width, scheme=scheme)
    picture(page, f"report-{width}-{scheme}")
    plots = page.locator("figure svg")
    assert plots.count() >= 8
    for plot in plots.all():
        box = plot.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 60
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    smallest = page.evaluate(
        """Math.min(...[...document.querySelectorAll('figure svg')].map(
            (svg) => 12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"""
    )
    assert smallest >= 9, "the plots' text is too small to read"
    ink = page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
    assert ink == ("rgb(230, 233, 239)" if scheme == "dark" else "rgb(28, 35, 48)")


@pytest.mark.parametrize("width", WIDTHS)
def test_errors_are_filtered_by_type_and_route(report: Path, open_page: OpenPage, width: int) -> None:
    page = open_page(report, width=width)
    errors = page.locator("article.error")
    total = page.locator("#error-count").text_content()
    assert errors.count() > 0

    page.select_option("#filter-type", "person")
    assert page.locator("#error-count").text_content() != total
    for error in errors.all():
        wrong = error.locator("li.missed, li.spurious").all_text_contents()
        assert any("person" in each for each in wrong)

    page.select_option("#filter-type", "")
    for route in ("in_domain", "none"):
        page.select_option("#filter-route", route)
        assert errors.count() > 0
        assert {error.get_attribute("data-route") for error in errors.all()} == {route}

    page.select_option("#filter-route", "in_domain")
    page.select_option("#filter-set", "medicine")
    page.select_option("#filter-arm", "judge")
    headings = page.locator("article.error h3").all_text_contents()
    assert set(headings) == {"medicine · judge"}
    first = errors.first
    first.locator("summary").click()
    assert first.locator("details mark").count() > 0, "the examples that were shown have their entities marked"
    picture(page, f"browser-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_more_errors_come_when_asked_for(report: Path, open_page: OpenPage) -> None:
    page = open_page(report)
    found = int((page.locator("#error-count").text_content() or "0").split()[0])
    errors = page.locator("article.error")
    assert errors.count() == min(20, found)
    while page.locator("#more").is_visible():
        page.click("#more")
    assert errors.count() == found


def test_marks_stand_where_the_entities_are(report: Path, open_page: OpenPage) -> None:
    """Offsets count code points, also behind characters that JavaScript counts twice."""
    page = open_page(report)
    row = page.evaluate("data.rows[0]")
    text = page.evaluate("data.texts[data.rows[0].text].text")
    gold = page.evaluate("data.texts[data.rows[0].text].gold")
    marked = "".join(page.locator("article.error").first.locator("p.text > mark").all_text_contents())
    places = sorted({i for span in [*gold, *row["found"]] for i in range(span["start"], span["end"])})
    assert marked == "".join(text[i] for i in places)
