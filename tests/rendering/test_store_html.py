"""Stores and reports in a notebook: what is in them, with nothing that a name holds getting out of its place."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ranit_rag.evaluation.report.tables import Table
from ranit_rag.stores import open_stores
from ranit_rag.stores.base import StoreSet, store_stats
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.types import Example

EXAMPLES = [
    Example.from_mentions("Ada met Bo.", {"person": ["Ada", "Bo"]}, language="en"),
    Example.from_mentions("Ada left London.", {"person": ["Ada"], "city": ["London"]}, language="en"),
    Example("Nobody came.", language="en"),
    Example.from_mentions("Cy slept in Rome.", {"person": ["Cy"], "city": ["Rome"]}, language="en"),
]


class Flat:
    """An embedder to which all texts are alike: nothing here looks for neighbours."""

    name = "flat"
    dimension = 2

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))


@pytest.fixture(params=["memory", "chroma"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSet:
    return open_stores(":memory:" if request.param == "memory" else tmp_path / "stores")


def told(fragment: str) -> str:
    """The words of a fragment, with one blank between them."""
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", fragment, flags=re.DOTALL)
    return " ".join(html.unescape(words).split())


def test_a_store_shows_its_size_its_types_and_some_examples(stores: StoreSet) -> None:
    store = stores.open("letters", Flat(), create=True)
    store.add(EXAMPLES)
    shown = store._repr_html_()
    assert "letters 4 examples · 6 mentions · en · flat" in told(shown)
    assert re.search(r"Type Mentions person 4 city 2 ", told(shown))
    assert '<i style="width:50.0%">' in shown, "the bar of city, against that of person"
    assert all(text in told(shown) for text in ("Nobody came.", "Cy person slept in Rome city ."))
    assert "4 examples · 6 mentions" in told(store_stats(store)._repr_html_())


def test_an_empty_store_and_no_store_are_shown_too(stores: StoreSet) -> None:
    assert "There are no stores yet." in told(stores._repr_html_())
    assert "letters 0 examples · 0 mentions" in told(stores.open("letters", Flat(), create=True)._repr_html_())


def test_stores_are_listed_with_what_makes_each_one_out(stores: StoreSet) -> None:
    for name in ("letters", "医疗"):
        stores.open(name, Flat(), create=True).add(EXAMPLES)
    assert "letters person, city en flat 6 4 医疗 person, city en flat 6 4" in told(stores._repr_html_())


def test_many_types_are_counted_not_listed(stores: StoreSet) -> None:
    store = stores.open("wide", Flat(), create=True)
    store.add([Example.from_mentions("a word here", {f"type {i}": ["word"] for i in range(20)})])
    assert "and 8 more types" in told(store._repr_html_())
    assert "and 16 more" in told(stores._repr_html_())


def test_names_of_stores_and_types_stay_text(stores: StoreSet) -> None:
    store = stores.open("<script>x</script>", Flat(), create=True)
    store.add([Example.from_mentions("<img src=x>", {"<u>type</u>": ["img"]}, language="<s>")])
    for shown in (store._repr_html_(), stores._repr_html_(), store_stats(store)._repr_html_()):
        assert not re.search(r"<(script|img|u|s)\b", shown)


def test_a_store_that_cannot_be_read_says_so_in_its_row(stores: StoreSet, monkeypatch: pytest.MonkeyPatch) -> None:
    from ranit_rag.errors import StoreError

    broken = stores.open("broken", Flat(), create=True)
    stores.open("whole", Flat(), create=True).add(EXAMPLES)

    def fail(_: object) -> None:
        raise StoreError("the file is damaged")

    monkeypatch.setattr(broken, "snapshot", lambda: fail(None))
    shown = told(stores._repr_html_())
    assert "broken unusable: the file is damaged" in shown
    assert "whole person, city" in shown


def test_the_plain_form_of_a_store_names_it(stores: StoreSet) -> None:
    assert "letters" in repr(stores.open("letters", Flat(), create=True))


def test_a_table_of_a_report_stays_text() -> None:
    shown = Table("<b>t</b>", ("<u>arm</u>", "F1"), (("<script>", "50.0"),), "<i>note</i>")._repr_html_()
    assert not re.search(r"<(b|u|i|script)>", shown)
    assert "<u>arm</u> F1 <script> 50.0 <i>note</i>" in told(shown)
