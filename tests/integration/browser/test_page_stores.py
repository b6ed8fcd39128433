"""The stores on the page: looked through, filled from files, emptied, taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import check_layout, examples_of, picture
from playwright.sync_api import expect

OpenPage = Callable[..., Any]

SOUND = {"text": "Pump P-101 tripped.", "entities": [{"start": 0, "end": 10, "label": "equipment"}]}
BROKEN = {"text": "Valve V-7 leaks.", "entities": [{"start": 3, "end": 99, "label": "equipment"}]}


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """Two sound lines and two that are not."""
    lines = [json.dumps(SOUND), json.dumps(BROKEN), "{not json", json.dumps({**SOUND, "text": "Pump P-102 tripped."})]
    path = tmp_path / "plant.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def open_store(page: Any, name: str) -> None:
    page.click("#tab-stores")
    page.locator(".store", has_text=name).click()
    expect(page.locator("#store-name")).to_have_text(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_store_is_looked_through(served: str, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(served, width=width, scheme=scheme)
    open_store(page, "biomedicine")
    facts = page.locator("#store-detail .measures").inner_text()
    assert "40" in facts
    assert "English" in facts
    assert page.locator("#store-detail .legend .tag").count() > 5

    rows = page.locator(".browse .examples li")
    count = page.locator(".browse [role=status]")
    expect(count).to_have_text("1–10 of 40")
    assert rows.locator("mark").count() > 10
    first = rows.first.text_content()
    page.click("text=Next")
    expect(count).to_have_text("11–20 of 40")
    assert rows.first.text_content() != first
    page.fill(".browse input", "PTEN")
    expect(count).to_have_text("1–1 of 1")
    assert "PTEN" in (rows.first.text_content() or "")
    page.fill(".browse input", "no such words")
    expect(count).to_have_text("No example has these words.")
    page.fill(".browse input", "")
    expect(count).to_have_text("1–10 of 40")
    check_layout(page)
    picture(page, f"store-{width}-{scheme}")


def test_what_is_done_in_a_store_is_not_undone_by_opening_it_again(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    open_store(page, "biomedicine")
    count = page.locator(".browse [role=status]")
    expect(count).to_have_text("1–10 of 40")

    def slow(route: Any) -> None:
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/v1/stores/biomedicine/examples?**", slow)
    page.locator(".store", has_text="biomedicine").click()
    page.click(".browse >> text=Next")
    expect(count).to_have_text("11–20 of 40")
    page.wait_for_load_state("networkidle")
    expect(count).to_have_text("11–20 of 40")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_file_is_imported_with_its_problems_told_line_by_line(
    served: str, open_page: OpenPage, annotated: Path, width: int
) -> None:
    page = open_page(served, width=width)
    name = f"工厂 plant/{width}"  # any Unicode name works, also with what addresses are made of
    page.click("#tab-stores")
    page.click("#store-new")
    assert page.evaluate("document.activeElement.id") == "import-name"
    page.click(".import button[type=submit]")
    assert page.locator(".import .refused").first.text_content() == "Give the store a name."
    page.fill("#import-name", name)
    page.set_input_files("#import-file", annotated)
    page.click(".import button[type=submit]")
    expect(page.locator(".report .problem")).to_contain_text("Nothing was written yet: 2 lines are not sound.")
    told = page.locator(".report tbody tr")
    assert [row.locator("td").first.text_content() for row in told.all()] == ["2", "3"]
    assert "3:99" in (told.first.text_content() or ""), "the line's problem names the offending value"
    assert page.locator(".store", has_text=name).count() == 0
    check_layout(page)
    picture(page, f"import-{width}")

    page.click("text=Import the others")
    expect(page.locator(".report .notice")).to_have_text("2 added, 0 replaced, 0 there already.")
    expect(page.locator(".store[aria-current]")).to_contain_text(name)
    page.complaints.clear()  # Chromium notes the answer 422

    open_store(page, name)
    page.click("summary:has-text('Import into this store')")
    page.set_input_files(
        "#import-file",
        files=[{"name": "more.conll", "mimeType": "text/plain", "buffer": b"Oslo B-city\nis O\ncold O\n"}],
    )
    page.click(".import button[type=submit]")
    expect(page.locator(".report .notice")).to_have_text("1 added, 0 replaced, 0 there already.")
    expect(page.locator("#store-detail .measures")).to_contain_text("3")
    expect(page.locator(".browse [role=status]")).to_have_text("1–3 of 3")

    page.locator(".browse li", has_text="Oslo").get_by_role("button").click()
    page.click("#confirm-yes")
    expect(page.locator(".browse [role=status]")).to_have_text("1–2 of 2")

    with page.expect_download() as download:
        page.click("text=Export")
    assert download.value.suggested_filename == f"工厂 plant_{width}.jsonl"
    exported = [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]
    assert [each["text"] for each in exported] == ["Pump P-101 tripped.", "Pump P-102 tripped."]

    page.click("#store-detail .card-head .danger")
    expect(page.locator("#confirm-title")).to_have_text(f"Delete “{name}”?")
    assert page.evaluate("document.activeElement.id") == "confirm-no", "nothing is lost by a hasty Enter"
    check_layout(page)
    page.keyboard.press("Escape")
    assert page.locator(".store", has_text=name).count() == 1
    page.click("#store-detail .card-head .danger")
    page.click("#confirm-yes")
    expect(page.locator(".store", has_text=name)).to_have_count(0)


def test_a_store_that_somebody_else_removed_is_said_to_be_gone(
    served: str, open_page: OpenPage, annotated: Path
) -> None:
    page = open_page(served)
    page.click("#tab-stores")
    page.click("#store-new")
    page.fill("#import-name", "short-lived")
    page.set_input_files(
        "#import-file", files=[{"name": "a.jsonl", "mimeType": "", "buffer": json.dumps(SOUND).encode()}]
    )
    page.click(".import button[type=submit]")
    expect(page.locator(".store", has_text="short-lived")).to_have_count(1)
    assert len(examples_of(served, "short-lived")) == 1
    page.evaluate("fetch('v1/stores/short-lived', { method: 'DELETE' })")
    page.wait_for_timeout(300)
    page.locator(".store", has_text="short-lived").click()
    expect(page.locator("#stores-problem .problem h3")).to_have_text("That is not there any more")
    page.complaints.clear()


def test_where_there_is_no_store_the_page_says_what_one_is_for(tmp_path: Path, open_page: OpenPage) -> None:
    from serving import serving_app

    from ranit_rag.config import Settings
    from ranit_rag.service import create_app
    from ranit_rag.stores import open_stores
    from ranit_rag.testing import ScriptedEngine

    app = create_app(Settings(judge="never"), engine=ScriptedEngine({}), stores=open_stores(tmp_path))
    with serving_app(app) as address:
        page = open_page(address)
        page.click("#tab-stores")
        expect(page.locator("#store-name")).to_have_text("No store yet")
        check_layout(page)
        page.goto("about:blank")
