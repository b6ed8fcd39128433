"""A real headless Chromium: Debian's, driven by Playwright. Without one these tests skip and say so.

And what it looks at: RANIT's own server with the embedded model and a few stores.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from serving import send, serving_process, wait_until_ready

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
OpenPage = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make test-browser)")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine (make test-browser installs it)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``ranit serve`` with the embedded model and three stores of bundled examples."""
    from ranit_rag.stores.seeds import seed_examples

    folder = tmp_path_factory.mktemp("served")
    with serving_process(folder, "--stores", str(folder / "stores")) as address:
        wait_until_ready(address)
        for name in ("biomedicine", "law", "医疗"):
            examples = [json.dumps(example.to_dict()) for example in seed_examples(name)[:40]]
            send(f"{address}/v1/stores/{quote(name)}/import", "\n".join(examples).encode())
        yield address


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Open an address in a window of a width, light or dark; what it writes to the console is in ``page.complaints``.

    At the end of the test every page must have been silent.
    """
    opened: list[Any] = []

    def open_one(
        address: str | Path, *, width: int = 1280, scheme: str = "light", language: str = "en-GB", touch: bool = False
    ) -> Any:
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale=language, has_touch=touch
        )
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address.as_uri() if isinstance(address, Path) else address)
        opened.append(page)
        return page

    yield open_one
    complaints = [complaint for page in opened for complaint in page.complaints]
    for page in opened:
        page.close()
    assert complaints == []
