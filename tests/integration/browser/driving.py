"""What a user does on the page, and what can be asked of what is seen then."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

SCREENSHOTS = os.environ.get("RANIT_SCREENSHOTS")  # a directory to keep pictures in, for people to look at


def write(page: Any, text: str, types: str) -> None:
    """A text, and types with commas between."""
    page.fill("#text", text)
    page.fill("#extract-types input", types)


def find(page: Any, text: str, types: str) -> None:
    """Ask for the entities of a text and wait for them."""
    write(page, text, types)
    run(page)


def run(page: Any) -> None:
    page.click("#run")
    page.wait_for_selector("#run:visible")
    page.wait_for_selector("#result:not([hidden])")


def entities(page: Any, within: str = "#result-body .text") -> list[tuple[str, str]]:
    """The marked passages with their labels, as they are read on the page."""
    return [
        tuple(pair)
        for pair in page.evaluate(
            """(within) => [...document.querySelectorAll(`${within} mark`)].map((mark) => {
                const copy = mark.cloneNode(true);
                const label = [...copy.querySelectorAll('.tag > span:first-child')].at(-1).textContent;
                for (const tag of copy.querySelectorAll('.tag')) tag.remove();
                return [copy.textContent, label];
            })""",
            within,
        )
    ]


def drag_over(page: Any, passage: str) -> None:
    """Select a passage of the answer as a hand with a mouse does."""
    left, above, right, below = page.evaluate(
        """(passage) => {
            const text = document.querySelector('#result-body .text');
            const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const at = node.data.indexOf(passage);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + passage.length);
                range.startContainer.parentElement.scrollIntoView({ block: 'center', behavior: 'instant' });
                const lines = [...range.getClientRects()];
                const [from, to] = [lines[0], lines.at(-1)];
                return [from.left + 1, (from.top + from.bottom) / 2, to.right - 1, (to.top + to.bottom) / 2];
            }
        }""",
        passage,
    )
    page.mouse.move(left, above)
    page.mouse.down()
    page.mouse.move(right, below, steps=4)
    page.mouse.up()
    page.wait_for_selector(".picker:popover-open")


def save_into_new(page: Any, store: str) -> None:
    page.select_option("#save-store", "new")
    page.fill("#save-name", store)
    page.click(".save button[type=submit]")
    page.wait_for_selector(".saved p")


def examples_of(address: str, store: str) -> list[dict[str, Any]]:
    """What the server says it holds."""
    with urllib.request.urlopen(f"{address}/v1/stores/{store}/examples") as answer:
        found: list[dict[str, Any]] = json.load(answer)["examples"]
    return found


def check_layout(page: Any) -> None:
    """Nothing is wider than the window, and axe-core finds no serious or critical violation."""
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in grave] == []


def picture(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"page-{name}.png", full_page=True)


def forgive(page: Any, *words: str) -> None:
    """Chromium itself notes failed requests in the console; those with these words were meant to fail."""
    page.complaints[:] = [each for each in page.complaints if not any(word in each for word in words)]
