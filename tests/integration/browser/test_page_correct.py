"""Correcting an answer, and what comes of it: a saved example that changes what the model says next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from driving import check_layout, drag_over, entities, examples_of, find, picture, run, save_into_new
from playwright.sync_api import expect
from serving import serving_app

from ranit_rag.config import Settings
from ranit_rag.service import create_app
from ranit_rag.stores import open_stores
from ranit_rag.testing import ScriptedEngine

OpenPage = Callable[..., Any]
TYPES = "code, unit, bay"
TEACHING = "Ticket INC-4471: the router in Hall B lost its uplink."
ASKED = "Ticket INC-9020: the router in Hall C lost its uplink."
EMOJI = "🚀 Rocket 🛰️ left Köln 🇩🇪 for Paris, then Köln again."


@pytest.fixture(scope="module")
def scripted() -> Iterator[str]:
    engine = ScriptedEngine({("Rocket", "place"): ["Paris"], ("Rocket", "thing"): ["Rocket"]})
    with serving_app(create_app(Settings(judge="never"), engine=engine, stores=open_stores(":memory:"))) as address:
        yield address


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_corrected_by_mouse_and_saved_changes_the_next_answer(
    served: str, open_page: OpenPage, width: int
) -> None:
    """The embedded model misses the bay, is shown one corrected text, and finds the bay of another."""
    page = open_page(served, width=width)
    find(page, ASKED, TYPES)
    assert ("Hall C", "bay") not in entities(page)

    find(page, TEACHING, "")
    for passage, label in (("INC-4471", "code"), ("router", "unit"), ("Hall B", "bay")):
        drag_over(page, passage)
        page.locator(".picker .choices button", has_text=label).click()
    assert entities(page) == [("INC-4471", "code"), ("router", "unit"), ("Hall B", "bay")]
    assert page.locator(".edited").is_visible()
    picture(page, f"corrected-{width}")

    store = f"tickets {width}"
    save_into_new(page, store)
    assert store in (page.locator(".saved").text_content() or "")
    assert page.locator("#text-store").input_value() == f"store:{store}", "it is too small to be chosen by the judge"
    check_layout(page)
    picture(page, f"saved-{width}")

    find(page, ASKED, "")
    assert ("Hall C", "bay") in entities(page)
    change = page.locator("#result-change").inner_text()
    assert "Different from the last answer" in change
    assert "Hall C" in change
    assert TEACHING in page.locator("#why .examples").evaluate(
        "(list) => { for (const tag of list.querySelectorAll('.tag')) tag.remove(); return list.textContent; }"
    )
    picture(page, f"learned-{width}")

    run(page)
    assert "The same as the last answer" in page.locator("#result-change").inner_text()


def test_saved_offsets_count_code_points(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    find(page, EMOJI, "thing, place")
    drag_over(page, "Köln")
    page.locator(".picker .choices button", has_text="place").click()
    save_into_new(page, "travel")
    kept = {(each["text"], each["start"], each["end"]) for each in examples_of(scripted, "travel")[0]["entities"]}
    assert kept == {
        (passage, EMOJI.index(passage), EMOJI.index(passage) + len(passage)) for passage in ("Rocket", "Köln", "Paris")
    }


def test_a_selection_that_ends_outside_or_in_white_space_is_trimmed(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    find(page, EMOJI, "thing, place")
    page.evaluate(
        """() => {
            const text = document.querySelector('#result-body .text');
            const range = document.createRange();
            range.setStart(text.lastChild, text.lastChild.data.indexOf(' again'));
            range.setEnd(document.querySelector('#correct-help').firstChild, 3);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            document.dispatchEvent(new MouseEvent('mouseup'));
        }"""
    )
    page.wait_for_selector(".picker:popover-open")
    assert page.locator(".picker .mention").text_content() == "again."


def test_a_finger_selects_too(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted, width=390, touch=True)
    find(page, EMOJI, "thing, place")
    page.locator("#result-body .text").tap(position={"x": 3, "y": 3})
    page.evaluate(
        """() => {
            const last = document.querySelector('#result-body .text').lastChild;
            const start = last.data.indexOf('Köln');
            getSelection().setBaseAndExtent(last, start, last, start + 4);
        }"""
    )
    page.wait_for_selector(".picker:popover-open")
    page.locator(".picker .choices button", has_text="place").tap()
    assert entities(page)[-1] == ("Köln", "place")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_picker_of_labels_is_for_everybody(scripted: str, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(scripted, width=width, scheme=scheme)
    find(page, EMOJI, "thing, place")
    drag_over(page, "Köln")
    inside = page.locator(".picker").bounding_box()
    assert inside["x"] >= 0
    assert inside["x"] + inside["width"] <= width
    check_layout(page)
    picture(page, f"picker-{width}-{scheme}")
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Mark a mention").click()
    page.locator("summary", has_text="As a table").click()
    check_layout(page)
    picture(page, f"opened-{width}-{scheme}")


def test_labels_are_changed_and_removed_by_mouse(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    find(page, EMOJI, "thing, place")
    page.locator("#result-body button.tag", has_text="thing").click()
    assert page.locator(".picker button[aria-pressed=true]").text_content() == "thing"
    page.fill(".picker input", "spacecraft")
    page.click(".picker .row button")
    assert entities(page) == [("Rocket", "spacecraft"), ("Paris", "place")]

    page.locator("#result-body mark", has_text="Paris").click(position={"x": 8, "y": 10})
    page.click(".picker > .danger")
    assert entities(page) == [("Rocket", "spacecraft")]
    page.click("text=Undo")
    page.click("text=Undo")
    assert entities(page) == [("Rocket", "thing"), ("Paris", "place")]
    assert not page.locator(".edited").is_visible()


def test_everything_can_be_done_with_the_keyboard(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    page.focus("#text")
    page.keyboard.type(EMOJI)
    page.keyboard.press("Tab")
    page.keyboard.type("thing,place,")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#result:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "result", "the focus goes to the answer"

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Rocket: thing 0.90"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".picker:popover-open")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Paris: place 0.90"
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert entities(page) == [("Rocket", "thing"), ("Paris", "thing")]
    page.keyboard.press("Delete")
    assert entities(page) == [("Rocket", "thing")]
    expect(page.locator("#announcer")).to_have_text("Paris is no entity any more")

    page.locator("summary", has_text="Mark a mention").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Köln")
    page.keyboard.press("Tab")
    page.keyboard.type("place")
    page.keyboard.press("Enter")
    assert entities(page) == [("Rocket", "thing"), ("Köln", "place"), ("Köln", "place")], "every place where it stands"

    page.fill("#add-mention", "Berlin")
    page.press("#add-mention", "Enter")
    assert "does not stand in the text" in (page.locator(".add .refused").text_content() or "")
    page.fill("#add-mention", "o")
    page.select_option("#add-where", index=2)
    assert "[o]" in page.locator("#add-where option:checked").text_content()
