"""Each thing that can go wrong between the page and the service: what the user reads, and how it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import check_layout, entities, find, picture, write
from playwright.sync_api import expect
from serving import serving_app, serving_process

from ranit_rag.config import Settings
from ranit_rag.service import create_app
from ranit_rag.service.access import read_keys
from ranit_rag.service.limits import Limits
from ranit_rag.stores import open_stores
from ranit_rag.testing import ScriptedEngine

OpenPage = Callable[..., Any]
TEXT = "It rained in Oslo."
PROBLEM = "#extract-problem .problem"


def app(script: Callable[[str, str], list[str]] | None = None, **options: Any) -> Any:
    """The service over an engine that finds Oslo."""
    engine = ScriptedEngine(script or {("Oslo", "city"): ["Oslo"]})
    return create_app(Settings(judge="never"), engine=engine, stores=open_stores(":memory:"), **options)


def ask(page: Any, text: str = TEXT, types: str = "city") -> None:
    write(page, text, types)
    page.click("#run")


def leave(page: Any) -> None:
    """Chromium notes every answer that is an error; here they are meant."""
    page.goto("about:blank")
    page.complaints.clear()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_service_that_is_away_loses_no_text(open_page: OpenPage, width: int) -> None:
    with serving_app(app()) as address:
        page = open_page(address, width=width)
        page.wait_for_selector("#about:not(:empty)")
    ask(page)
    expect(page.locator(f"{PROBLEM} h3")).to_have_text("The service does not answer")
    assert page.input_value("#text") == TEXT
    check_layout(page)
    picture(page, f"away-{width}")
    with serving_app(app(), port=int(address.rsplit(":", 1)[1])):
        page.click(f"{PROBLEM} button")
        page.wait_for_selector("#result:not([hidden])")
        assert entities(page) == [("Oslo", "city")]
        assert page.locator(PROBLEM).count() == 0
        leave(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_key_is_asked_for_and_kept_for_the_window(open_page: OpenPage, width: int) -> None:
    keys = read_keys(None, "writer:right-right-right-right,reader:read-read-read-read:read")
    with serving_app(app(keys=keys)) as address:
        page = open_page(address, width=width)
        page.wait_for_selector("#key-dialog[open]")
        assert page.evaluate("document.activeElement.id") == "key"
        check_layout(page)
        picture(page, f"key-{width}")
        page.fill("#key", "wrong-wrong-wrong-wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-refused")).to_have_text("That key was not accepted.")
        page.click("#key-cancel")
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("A key is needed")
        page.click(f"{PROBLEM} button")
        page.fill("#key", "right-right-right-right")
        page.keyboard.press("Enter")
        expect(page.locator(PROBLEM)).to_have_count(0)
        find(page, TEXT, "city")
        assert entities(page) == [("Oslo", "city")]
        assert page.evaluate("sessionStorage.getItem('ranit.key')") == "right-right-right-right"
        assert page.evaluate("JSON.stringify(localStorage)") == "{}"
        page.reload()
        find(page, TEXT, "city")

        page.click("#key-button")
        page.fill("#key", "read-read-read-read")
        page.keyboard.press("Enter")
        page.fill("#save-name", "mine")
        page.click(".save button[type=submit]")
        expect(page.locator("#result-body .problem h3")).to_have_text("This key may not do that")
        leave(page)


def test_what_is_too_large_or_cannot_be_used_is_said(open_page: OpenPage) -> None:
    with serving_app(app(limits=Limits(body_bytes=4000))) as address:
        page = open_page(address)
        ask(page, TEXT * 300)
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("That is too large")
        check_layout(page)
        ask(page, TEXT, ",".join(f"t{i}" for i in range(300)))
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("The service cannot use that")
        assert "at most 256" in (page.locator(f"{PROBLEM} .said").first.text_content() or "")
        leave(page)


def test_a_busy_service_is_asked_again_when_it_says(open_page: OpenPage) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(_text: str, _type: str) -> list[str]:
        begun.set()
        go_on.wait(30)
        return ["Oslo"]

    with serving_app(app(wait, limits=Limits(queue=1))) as address:
        first, second = open_page(address), open_page(address)
        ask(first)
        assert begun.wait(10)
        ask(second)
        notice = second.locator("#extract-problem [data-kind=waiting]")
        expect(notice).to_contain_text("The service is busy. Asking again in")
        assert second.locator("#stop").is_visible()
        check_layout(second)
        picture(second, "busy")
        second.click("#stop")
        expect(notice).to_have_count(0)
        assert second.locator("#run").is_visible()
        second.click("#run")
        expect(notice).to_have_count(1)
        go_on.set()
        for page in (first, second):
            page.wait_for_selector("#result:not([hidden])")
            assert entities(page) == [("Oslo", "city")]
        expect(notice).to_have_count(0)
        leave(first)
        leave(second)


def test_a_deadline_is_told_with_what_to_do(open_page: OpenPage) -> None:
    def dawdle(_text: str, _type: str) -> list[str]:
        time.sleep(1)
        return []

    with serving_app(app(dawdle, limits=Limits(deadline=0.3))) as address:
        page = open_page(address)
        ask(page)
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("That took too long")
        ask(page, TEXT * 200)  # by events, whose errors come in the stream
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("That took too long")
        leave(page)


def test_an_error_of_the_service_itself_gives_the_request_to_report(open_page: OpenPage) -> None:
    def fail(_text: str, _type: str) -> list[str]:
        raise RuntimeError("a mistake")

    with serving_app(app(fail)) as address:
        page = open_page(address)
        ask(page)
        expect(page.locator(f"{PROBLEM} h3")).to_have_text("Something went wrong in the service")
        assert "Request " in page.locator(PROBLEM).inner_text()
        assert "a mistake" not in page.locator(PROBLEM).inner_text()
        leave(page)


def test_a_page_opened_before_the_model_is_loaded_waits_for_it(tmp_path: Path, open_page: OpenPage) -> None:
    with serving_process(tmp_path, "--stores", str(tmp_path / "stores"), "--judge", "never") as address:
        page = open_page(address)
        write(page, "Marie Curie was born in Warsaw.", "person")
        page.click("#run")
        page.wait_for_selector("#result:not([hidden])", timeout=60_000)
        assert ("Marie Curie", "person") in entities(page)
        assert page.locator(PROBLEM).count() == 0
        leave(page)
