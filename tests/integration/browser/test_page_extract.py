"""One text on the page: entities marked where they stand, the reasons for them, and types in and out of their field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from driving import check_layout, entities, find, picture, run, write
from serving import serving_app

from ranit_rag.config import Settings
from ranit_rag.service import create_app
from ranit_rag.stores import open_stores
from ranit_rag.testing import ScriptedEngine

OpenPage = Callable[..., Any]
DOCTOR = "👩‍⚕️ Dr. Müller 🏥 gave 💊 aspirin to 𠮷野 in Köln."
LONG = "shipping company on a river with a licence for steam and passengers"
ANSWERS = {
    ("Donau", LONG): ["Donaudampfschifffahrtsgesellschaft"],
    ("Oxford", "organization"): ["University of Oxford"],
    ("Oxford", "location"): ["Oxford"],
    ("Square", "organization"): ["New York Times"],
    ("Square", "location"): ["Times Square"],
    ("Müller", "person"): ["Dr. Müller", "𠮷野"],
    ("Müller", "drug"): ["aspirin"],
    ("<img", "<b>tag</b>"): ["<img src=x onerror=document.title='broken'>"],
}


@pytest.fixture(scope="module")
def scripted() -> Iterator[str]:
    app = create_app(Settings(judge="never"), engine=ScriptedEngine(ANSWERS), stores=open_stores(":memory:"))
    with serving_app(app) as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_sample_is_answered_and_explained(served: str, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(served, width=width, scheme=scheme)
    page.wait_for_selector(".suggestion")
    check_layout(page)
    picture(page, f"empty-{width}-{scheme}")
    page.locator(".sample").first.click()
    page.wait_for_selector("#why:not([hidden])")

    found = entities(page)
    assert ("empagliflozin", "drug") in found
    scores = page.locator("#result-body .text .number").all_text_contents()
    assert len(scores) == len(found)
    assert all(0 <= float(score) <= 1 for score in scores)

    why = page.locator("#why")
    assert why.locator(".badge.in_domain").text_content() == "In domain"
    assert "biomedicine" in (why.locator(".route").text_content() or "")
    assert "P(in domain)" in (why.locator(".said").first.text_content() or "")
    assert why.locator(".plot .bar:not(.beyond)").count() == 20
    assert "this text 0." in (why.locator(".plot").text_content() or "")
    stores = why.locator("table tbody tr td:first-child").all_text_contents()
    assert stores[0] == "biomedicine"
    assert "law" in stores
    shown = why.locator(".examples li")
    assert shown.count() == 2
    assert shown.locator("mark").count() > 2

    why.locator("summary", has_text="The exact prompts").click()
    assert why.locator(".turns .role").all_text_contents()[-1] == "user"
    asked = why.locator(".turns pre").all_text_contents()
    assert any("After two weeks of metformin" in turn for turn in asked)
    assert "drug" in asked[-1]
    why.locator("#prompt-query").select_option(label="disease")
    assert "disease" in (why.locator(".turns pre").last.text_content() or "")

    check_layout(page)
    picture(page, f"result-{width}-{scheme}")


def test_the_distribution_of_another_store_can_be_seen(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    find(page, "The court of appeal upheld the ruling against the bank.", "court, company")
    before = page.locator(".plot figcaption").text_content()
    page.select_option("#distribution", label="biomedicine")
    after = page.locator(".plot figcaption").text_content() or ""
    assert before != after
    assert "biomedicine" in after


def test_nested_and_crossing_entities_are_all_marked(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    find(page, "She studied at the University of Oxford.", "organization, location")
    assert entities(page) == [("University of Oxford", "organization"), ("Oxford", "location")]
    assert page.locator("#result-body mark mark").count() == 1

    find(page, "He drew New York Times Square at night.", "")
    text = page.locator("#result-body .text").text_content() or ""
    assert "New York Timesorganization0.90 Squarelocation0.90 at" in text, "a label stands where its entity ends"
    marked = page.evaluate(
        """[...document.querySelectorAll('#result-body mark')].map((mark) => [mark.dataset.entity, mark.className])"""
    )
    assert len(marked) == 3, "where entities cross, the inner one goes on after the outer"
    assert [entity for entity, _ in marked] == ["0", "1", "1"]
    assert "goes-on" in marked[1][1]
    assert "came-on" in marked[2][1]


def test_marks_stand_right_behind_characters_that_javascript_counts_twice(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    find(page, DOCTOR, "person, drug")
    assert entities(page) == [("Dr. Müller", "person"), ("aspirin", "drug"), ("𠮷野", "person")]
    assert page.locator("#text-count").text_content() == f"{len(DOCTOR)} characters"
    page.locator("summary", has_text="As a table").click()
    offsets = page.locator("#result-body details table td:nth-child(3)").all_text_contents()
    start = DOCTOR.index("aspirin")
    assert offsets[1] == f"{start}–{start + len('aspirin')}"


def test_texts_and_types_are_shown_as_they_are_and_never_run(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    hostile = "See <img src=x onerror=document.title='broken'> & <script>document.title='broken'</script>."
    page.fill("#text", hostile)
    page.fill("#extract-types input", "<b>tag</b>")
    run(page)
    assert entities(page) == [("<img src=x onerror=document.title='broken'>", "<b>tag</b>")]
    assert page.locator("#result-body img, #result-body script, #result-body b").count() == 0
    assert page.title() == "RANIT"


def test_long_words_and_labels_stay_within_a_telephone(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted, width=390)
    find(page, "Donaudampfschifffahrtsgesellschaft " * 3, LONG)
    assert entities(page)[0] == ("Donaudampfschifffahrtsgesellschaft", LONG)
    check_layout(page)


def test_types_are_typed_suggested_defined_and_removed(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    field = page.locator("#extract-types .chips input")
    chips = page.locator("#extract-types .chip-name")
    field.press_sequentially("drug,")
    field.press_sequentially("side effect")
    field.press("Enter")
    field.press_sequentially("药物、")
    assert chips.all_text_contents() == ["drug", "side effect", "药物"]
    field.press("Backspace")
    assert chips.all_text_contents() == ["drug", "side effect"]
    page.click("button[aria-label='Remove drug']")
    assert chips.all_text_contents() == ["side effect"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove side effect"

    page.fill("#text", "Metformin lowered blood glucose in patients with type 2 diabetes.")
    suggestion = page.locator(".suggestion", has_text="disease").first
    suggestion.click()
    assert chips.all_text_contents() == ["side effect", "disease"]

    chips.first.click()
    page.keyboard.type("an unwanted effect of a drug")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "side effect"
    with page.expect_request("**/v1/extract") as asked:
        run(page)
    assert json.loads(asked.value.post_data)["types"] == {"side effect": "an unwanted effect of a drug", "disease": ""}


def test_a_missing_text_is_asked_for(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    page.click("#run")
    assert page.locator("#text-missing").text_content() == "Write or paste a text first."
    assert page.evaluate("document.activeElement.id") == "text"
    page.fill("#text", "A")
    assert page.locator("#text-missing").text_content() == ""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_interface_is_chinese_where_the_browser_is(served: str, open_page: OpenPage, width: int) -> None:
    page = open_page(served, width=width, language="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("#tab-extract").text_content() == "抽取"
    find(page, "患者因发热、咳嗽入院，诊断为肺炎，给予阿莫西林治疗。", "疾病，药物")
    assert ("肺炎", "疾病") in entities(page)
    assert page.locator("#result-body .text").get_attribute("lang") == "zh"
    assert page.locator("#why .badge").text_content() == "领域内"
    assert page.locator("#why .said").first.get_attribute("lang") == "en", "reasons are told in English"
    check_layout(page)
    picture(page, f"chinese-{width}")

    button = page.locator("#language-button")
    assert (button.text_content(), button.get_attribute("lang")) == ("English", "en")
    button.click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("#result-title").text_content() == "Entities"
    assert page.locator("#why .badge").text_content() == "In domain"
    assert ("肺炎", "疾病") in entities(page), "a switch of the language loses nothing"
    page.reload()
    assert page.locator("html").get_attribute("lang") == "en", "the choice is remembered"


def test_tabs_are_walked_with_the_arrows_and_named_in_the_address(served: str, open_page: OpenPage) -> None:
    page = open_page(served)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tab-extract"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-stores"
    assert page.locator("#stores").is_visible()
    assert not page.locator("#extract").is_visible()
    page.keyboard.press("End")
    assert page.url.endswith("#batch")
    page.keyboard.press("ArrowRight")
    assert page.locator("#tab-extract").get_attribute("aria-selected") == "true"
    page.goto(f"{served}/#stores")
    page.reload()
    page.wait_for_selector("#store-name")
    assert page.locator("#tab-stores").get_attribute("aria-selected") == "true"


def test_a_long_text_tells_its_progress(scripted: str, open_page: OpenPage) -> None:
    page = open_page(scripted)
    page.evaluate(
        """() => {
            window.seen = [];
            const bar = document.querySelector('#extract-progress progress');
            new MutationObserver(() => window.seen.push(bar.value)).observe(bar, { attributes: true });
        }"""
    )
    text = "Dr. Müller came home late. " * 700
    write(page, text, "person")
    run(page)
    assert len(entities(page)) == 700
    assert page.evaluate("window.seen.at(-1)") == 1
    assert "windows" in (page.locator("#result-facts").text_content() or "")
    assert page.locator("#window option").count() > 1
