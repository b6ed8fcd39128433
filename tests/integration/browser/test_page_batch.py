"""A file of texts on the page: read, asked about with progress, and taken away with its failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import check_layout, entities, picture
from playwright.sync_api import expect
from serving import serving_app

from ranit_rag.config import Settings
from ranit_rag.errors import ServerError
from ranit_rag.service import create_app
from ranit_rag.stores import open_stores
from ranit_rag.testing import ScriptedEngine

OpenPage = Callable[..., Any]


@pytest.fixture(scope="module")
def scripted() -> Iterator[str]:
    """Finds cities; texts about Atlantis fail."""
    failing = ServerError("the model server is gone", hint="start it again")
    engine = ScriptedEngine({("Oslo", "city"): ["Oslo"], ("Rome", "city"): ["Rome"], ("Atlantis", "city"): failing})
    with serving_app(create_app(Settings(judge="never"), engine=engine, stores=open_stores(":memory:"))) as address:
        yield address


def give(page: Any, name: str, content: str) -> None:
    page.click("#tab-batch")
    page.set_input_files("#batch-file", files=[{"name": name, "mimeType": "text/plain", "buffer": content.encode()}])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_file_is_answered_and_downloaded(scripted: str, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(scripted, width=width, scheme=scheme)
    lines = [
        json.dumps({"id": 7, "text": "🌧️ It rained in Oslo."}),
        json.dumps({"id": 8, "text": "Atlantis sank."}),
        "no json",
        "",
        json.dumps({"id": 9, "body": "Rome"}),
        json.dumps("Rome was not built in a day."),
    ]
    give(page, "places.jsonl", "\n".join(lines))
    said = page.locator("#batch-read p").all_text_contents()
    assert said == ["3 texts in places.jsonl", "Line 3 is not JSON.", "Line 5 has no “text”."]
    check_layout(page)
    picture(page, f"batch-file-{width}-{scheme}")
    page.fill("#batch-types input", "city")
    page.click("#batch-run")
    expect(page.locator("#batch-facts")).to_have_text("3 of 3 done · entities: 2 · failed: 1")
    expect(page.locator("#batch-run")).to_be_visible()
    assert entities(page, "#batch-result") == [("Oslo", "city"), ("Rome", "city")]
    assert "the model server is gone — start it again" in page.locator("#batch-result .failed").inner_text()
    assert page.evaluate("document.activeElement.id") == "batch-result"
    check_layout(page)
    picture(page, f"batch-{width}-{scheme}")

    page.select_option("#batch-filter", "failed")
    assert page.locator("#batch-result tbody td:first-child").all_text_contents() == ["2"]
    with page.expect_download() as download:
        page.click("text=Download JSONL")
    assert download.value.suggested_filename == "places.entities.jsonl"
    rows = [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]
    assert [row.get("id") for row in rows] == [7, 8, None]
    [city] = rows[0]["entities"]
    assert (city["text"], city["label"]) == ("Oslo", "city")
    assert rows[0]["text"][city["start"] : city["end"]] == "Oslo"
    assert rows[1]["error"]["message"] == "the model server is gone"


def test_many_texts_show_their_progress_and_come_in_pages(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    give(page, "many.txt", "".join(f"{i}: from Oslo to Rome\r\n" for i in range(150)))
    page.evaluate(
        """() => {
            window.seen = [];
            const bar = document.querySelector('#batch-progress progress');
            new MutationObserver(() => window.seen.push(bar.value)).observe(bar, { attributes: true });
        }"""
    )
    page.fill("#batch-types input", "city")
    page.click("#batch-run")
    expect(page.locator("#batch-facts")).to_have_text("150 of 150 done · entities: 300 · failed: 0", timeout=30_000)
    seen = page.evaluate("window.seen")
    assert len({value for value in seen if 0 < value < 1}) > 20
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert page.locator("#batch-result tbody tr").count() == 50
    page.click("text=Show more (100 left)")
    assert page.locator("#batch-result tbody tr").count() == 100


def test_a_table_is_read_by_the_column_that_is_wanted(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    give(page, "mail.csv", 'id,subject,text\n1,Rome,"Dear ""sir"",\nOslo, tomorrow"\n2,Oslo and Rome,nothing\n')
    assert page.locator("#batch-column option:checked").text_content() == "text"
    page.fill("#batch-types input", "city")
    page.click("#batch-run")
    expect(page.locator("#batch-facts")).to_have_text("2 of 2 done · entities: 1 · failed: 0")
    assert page.locator("#batch-result tbody td:first-child").all_text_contents() == ["2", "4"]
    assert 'Dear "sir",\n' in (page.locator("#batch-result .text").first.text_content() or "")
    page.select_option("#batch-column", label="subject")
    page.click("#batch-run")
    expect(page.locator("#batch-facts")).to_have_text("2 of 2 done · entities: 3 · failed: 0")


def test_without_a_file_one_is_asked_for(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    page.click("#tab-batch")
    page.click("#batch-run")
    assert page.locator("#batch-read .refused").text_content() == "Choose a file first."
    give(page, "empty.txt", "\n\n")
    page.click("#batch-run")
    assert page.locator("#batch-read .refused").text_content() == "There is no text in this file."
