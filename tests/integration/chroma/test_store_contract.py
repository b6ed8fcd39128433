"""What every kind of store promises: memory, an embedded directory, a Chroma server."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranit_rag.errors import StoreError
from ranit_rag.stores.base import AddReport, Embedder, StoreSet, store_stats
from ranit_rag.types import Entity, Example


def example(number: int, label: str = "number", **fields: str) -> Example:
    text = f"The {number}th sentence speaks of number {number}."
    return Example.from_mentions(text, {label: [f"number {number}"]}, **fields)


def test_added_examples_come_back_unchanged(stores: StoreSet, embedder: Embedder) -> None:
    given = [
        Example.from_mentions(
            "他在北京大学学习。😀", {"组织": ["北京大学"], "地点": ["北京"]}, language="zh", source="a"
        ),
        Example("Nothing is named here.", language="en", id="my own id"),
        Example('Line one\nline "two"\t\\ \x00 end', (Entity("two", "quoted", 15, 18),)),
    ]
    store = stores.open("法律 & law", embedder, create=True)
    assert store.add(given) == AddReport(added=3)
    assert len(store) == 3
    back = {e.id: e for e in store.snapshot().examples}
    for e in given:
        assert back[e.id] == replace(e, domain="法律 & law")


def test_import_again_changes_nothing(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(i) for i in range(20)])
    version, embedded = store.version, embedder.embedded  # type: ignore[attr-defined]
    assert store.add([example(i) for i in range(20)]) == AddReport(present=20)
    assert store.version == version
    assert embedder.embedded == embedded, "known texts were embedded again"  # type: ignore[attr-defined]


def test_a_correction_replaces_the_annotation_of_its_text(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(1), example(2)])
    assert store.add([example(1, "ordinal", language="en")]) == AddReport(replaced=1)
    first, second = sorted(store.snapshot().examples, key=lambda e: e.text)
    assert (first.labels, first.language) == (("ordinal",), "en")
    assert second.labels == ("number",)


def test_repeats_in_one_call_are_counted_and_the_first_counts(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    given = [example(1), example(2), example(1, "ordinal"), Example("THE 2TH  sentence speaks of number 2.")]
    assert store.add(given) == AddReport(added=2, duplicates=2)
    assert {e.labels for e in store.snapshot().examples} == {("number",)}


def test_neighbours_are_exact_cosines(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(i) for i in range(50)])
    snapshot = store.snapshot()
    query = embedder.embed(["Number 7 is spoken of.", "sentence"])
    found = snapshot.nearest(query, 5)
    cosines = embedder.embed([e.text for e in snapshot.examples]) @ query.T
    assert found.rows.shape == found.similarities.shape == (2, 5)
    np.testing.assert_allclose(found.similarities, -np.sort(-cosines, axis=0)[:5].T, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(cosines, found.rows.T, axis=0).T, found.similarities, atol=1e-5)
    assert snapshot.nearest(query, 500).rows.shape == (2, 50)


def test_the_next_snapshot_shows_every_write(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(1), example(2)])
    before = store.snapshot()
    store.add([example(3)])
    after = store.snapshot()
    assert len(before) == 2, "a snapshot never changes"
    assert len(after) == len(store) == 3
    assert after.version == store.version > before.version
    assert store.delete([example(3).id, "unknown"]) == 1
    assert [len(store.snapshot()), len(store)] == [2, 2]
    assert store.version > after.version
    assert store.delete([]) == 0


def test_given_vectors_are_kept_and_checked(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    given = [example(i) for i in range(30)]
    vectors = np.eye(64, dtype=np.float32)[:30]
    store.add(given, vectors=vectors)
    assert embedder.embedded == 0  # type: ignore[attr-defined]
    row = store.snapshot().row_of_id[given[4].id]
    np.testing.assert_allclose(store.snapshot().vectors[row], vectors[4])
    for wrong in (2 * np.eye(64)[:1], np.zeros((1, 64)), np.full((1, 64), np.nan), np.eye(32)[:1], np.eye(64)[:2]):
        with pytest.raises(StoreError):
            store.add([example(100)], vectors=wrong.astype(np.float32))
    assert len(store) == 30


def test_another_embedding_model_is_refused_with_the_remedy(
    stores: StoreSet, embedder: Embedder, other_embedder: Embedder
) -> None:
    stores.open("news", embedder, create=True).add([example(1)])
    with pytest.raises(StoreError, match="hash-64") as caught:
        stores.open("news", other_embedder)
    assert "import it into a new store" in caught.value.hint
    assert len(stores.open("news").snapshot()) == 1


def test_stores_are_named_renamed_and_deleted(stores: StoreSet, embedder: Embedder) -> None:
    for name in ("电商", "news", "a/b: c?"):
        stores.open(name, embedder, create=True).add([example(1)])
    assert stores.names() == sorted(["电商", "news", "a/b: c?"])
    held = stores.open("news")
    stores.rename("news", "新闻")
    assert held.name == "新闻"
    assert {e.domain for e in stores.open("新闻").snapshot().examples} == {"新闻"}
    with pytest.raises(StoreError, match="already"):
        stores.rename("电商", "新闻")
    stores.delete("a/b: c?")
    assert stores.names() == sorted(["电商", "新闻"])
    for missing in ("a/b: c?", "news"):
        with pytest.raises(StoreError, match="no store"):
            stores.open(missing)
        with pytest.raises(StoreError, match="no store"):
            stores.delete(missing)
    with pytest.raises(StoreError, match="not a name"):
        stores.open(" \n", embedder, create=True)


def test_a_store_made_anew_never_repeats_a_version(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(1)])
    version = store.version
    stores.delete("news")
    again = stores.open("news", embedder, create=True)
    assert again.version > version
    assert len(again.snapshot()) == 0
    assert again.snapshot().nearest(embedder.embed(["x"]), 3).rows.shape == (1, 0)


def test_stores_do_not_mix(stores: StoreSet, embedder: Embedder) -> None:
    one, two = (stores.open(name, embedder, create=True) for name in ("one", "two"))
    one.add([example(1), example(2)])
    two.add([example(2), example(3)])
    one.delete([example(2).id])
    assert [e.text for e in one.snapshot().examples] == [example(1).text]
    assert sorted(e.text for e in two.snapshot().examples) == [example(2).text, example(3).text]
    two.add(one.snapshot().examples)
    assert len(two) == 3


def test_stats_and_notes(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(1, language="en"), example(2, "ordinal", language="en"), example(3)])
    version = store.version
    store.note("threshold", {"value": 0.4})
    store.note("gone", 1)
    store.note("gone", None)
    stats = store_stats(stores.open("news"))
    assert (stats.examples, stats.mentions, stats.types) == (3, 3, {"number": 2, "ordinal": 1})
    assert stats.languages == {"en": 2, "": 1}
    assert (stats.embedding.name, stats.embedding.dimension) == ("hash-64", 64)
    assert (stats.notes, stats.version, stats.unfinished) == ({"threshold": {"value": 0.4}}, version, "")


def test_without_an_embedder_a_store_is_read_but_not_filled(stores: StoreSet, embedder: Embedder) -> None:
    with pytest.raises(StoreError, match="embedder"):
        stores.open("news", create=True)
    with pytest.raises(StoreError, match="half a surrogate"):
        stores.open("news", embedder, create=True).add([Example("broken \ud83d text")])


def test_progress_and_batches(stores: StoreSet, embedder: Embedder) -> None:
    seen: list[int] = []
    store = stores.open("news", embedder, create=True)
    report = store.add((example(i) for i in range(2500)), on_progress=seen.append)
    assert report == AddReport(added=2500)
    assert seen == [1000, 2000, 2500]
    assert len(store.snapshot()) == 2500


def test_records_are_all_examples_without_vectors(stores: StoreSet, embedder: Embedder) -> None:
    store = stores.open("news", embedder, create=True)
    store.add([example(number) for number in range(3)])
    assert sorted(record.text for record in store.records() if isinstance(record, Example)) == sorted(
        e.text for e in store.snapshot().examples
    )
