"""Runs: what is asked, what is kept, what is scored."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from evaluation.small_sets import ALWAYS, NEVER, TYPES, experiment, reader, small_set

from ranit_rag.errors import DataError, InputError, ServerError
from ranit_rag.evaluation.arms import Arm, ablation, grid
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import Selection, read_set
from ranit_rag.evaluation.experiment import run_experiment
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import open_journal
from ranit_rag.evaluation.runner import run_arms
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores import open_stores
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.testing import ScriptedEngine


def test_scores_are_those_of_the_answers(tmp_path: Path) -> None:
    evaluated = small_set()
    report = run_experiment(experiment(reader(evaluated), [evaluated]), tmp_path / "journal")
    none = report.result("none", "news")
    by_type = {each.type: each for each in none.types}
    persons = sum(len({e.text for e in x.entities if e.label == "person"}) for x in evaluated.examples)
    assert by_type["person"].mentions.f1 == 1.0
    assert by_type["person"].mentions.there == persons
    assert by_type["organization"].mentions.right == 0
    assert none.losses.ungrounded == 12, "one invention for each text"
    assert none.losses.written == persons + 24
    assert sum(found for _, found, _ in none.counts) == none.losses.written
    assert none.strict.found == none.mentions.found - 12, "what is not in the text is no entity"
    assert none.original is not None
    assert none.original.f1 == none.mentions.f1
    assert [route.route for route in none.routes] == ["none"]
    shown = report.result("always nn k2 own all alone", "news")
    assert [(route.route, route.examples) for route in shown.routes] == [("in_domain", 2.0)]
    assert report.summary[1].comparison is not None
    assert report.summary[1].comparison.difference.value == 0


def test_a_mention_copied_from_a_shown_example_is_a_leak(tmp_path: Path) -> None:
    evaluated = small_set(texts=3, own=20)
    copied = evaluated.own[0].entities[0].text
    everything = ScriptedEngine({("", name): [copied] for name in TYPES[:1]}, context=20_000)
    arm = Arm("always", k=20, pool=None, others=False, name="all shown")
    result = run_experiment(experiment(everything, [evaluated], [NEVER, arm]), tmp_path / "journal")
    assert result.result("none", "news").losses.leaked == 0
    assert result.result("all shown", "news").losses.leaked == 3


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    evaluated = small_set()
    first, second = reader(evaluated), reader(evaluated)
    arms = (NEVER, Arm("never", name="none again"), ALWAYS)
    report = run_experiment(experiment(first, [evaluated], arms), tmp_path / "journal")
    assert len(first.conversations) == 2 * len(evaluated.examples), "arms that ask the same share the answers"
    again = run_experiment(experiment(second, [evaluated], arms), tmp_path / "journal")
    assert second.conversations == []
    assert {**again.to_dict(), "timings": None} == {**report.to_dict(), "timings": None}


def test_a_larger_sample_asks_only_for_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps({**e.to_dict(), "split": "test"}) + "\n" for e in small_set(texts=12).examples))
    small, large = (read_set(path, Selection(sample=size)) for size in (4, 9))
    assert set(small.examples) < set(large.examples)
    run_experiment(experiment(reader(small), [small], [NEVER]), tmp_path / "journal")
    engine = reader(large)
    run_experiment(experiment(engine, [large], [NEVER]), tmp_path / "journal")
    assert len(engine.conversations) == 5


def test_a_failed_text_counts_as_nothing_found_and_is_asked_again(tmp_path: Path) -> None:
    evaluated = small_set(texts=3)
    unlucky = evaluated.examples[1].text
    failing = ScriptedEngine({(unlucky, name): ServerError("down") for name in TYPES}, context=20_000)
    rows = io.StringIO()
    report = run_experiment(experiment(failing, [evaluated], [NEVER]), tmp_path / "journal", texts=rows)
    result = report.result("none", "news")
    assert (result.texts, result.failed) == (3, 1)
    assert result.counts[1][1] == 0
    assert [json.loads(line).get("error") for line in rows.getvalue().splitlines()] == [None, "down", None]
    mended = reader(evaluated)
    assert run_experiment(experiment(mended, [evaluated], [NEVER]), tmp_path / "journal").results[0].failed == 0
    assert len(mended.conversations) == 1


def test_own_pools_are_nested_and_texts_in_them_are_counted() -> None:
    evaluated = small_set(texts=10, own=20)
    pools = Pools()
    eight, all_there = (pools.own(Arm("always", pool=size), evaluated) for size in (8, None))
    assert (len(eight), len(all_there)) == (8, 20)
    assert all_there[:8] == eight
    assert pools.repeated(evaluated) == 0
    stores = open_stores(":memory:")
    stores.open("leaky", default_embedder("en"), create=True).add(evaluated.examples[:3])
    assert Pools(stores).repeated(evaluated) == 3


def test_an_own_store_does_not_mix_with_a_configured_one_of_its_name() -> None:
    evaluated = small_set(texts=5, own=10)
    stores = open_stores(":memory:")
    stores.open("news", default_embedder("en"), create=True).add(evaluated.examples[:2])
    joined = Pools(stores).stores(Arm(pool=None), evaluated)
    assert {name: len(joined.open(name)) for name in joined.names()} == {"news": 2, "news (own)": 10}
    assert stores.names() == ["news"]


def test_the_paper_shows_what_it_says(tmp_path: Path) -> None:
    evaluated = small_set(texts=4, own=30)
    stores = open_stores(":memory:")
    stores.open("law", default_embedder("en"), create=True).add(seed_examples("law")[:20])
    planned = experiment(reader(evaluated), [evaluated], ablation("paper"))
    with open_journal(tmp_path / "journal") as journal:
        runs = {
            run.arm.name: run for run in run_arms(planned.models, planned.sets, planned.arms, Pools(stores), journal)
        }
    decisions = {
        name: [result.extraction.decision for result in run.results if result.extraction is not None]
        for name, run in runs.items()
    }
    own = {name: {shown.example.id for d in ds for shown in d.examples} for name, ds in decisions.items()}
    assert not own["none"]
    assert own["in-domain 8"] <= {example.id for example in evaluated.own[:8]}
    assert all(len(d.examples) == 2 for d in decisions["in-domain all"])
    assert all(shown.example.domain == "law" for d in decisions["out-domain NN"] for shown in d.examples)
    assert all(len(d.examples) == 2 for d in decisions["out-domain NN"])
    assert all((shown.bm25 or 0) >= 20 for d in decisions["out-domain NN + BM25"] for shown in d.examples)
    assert {d.store for d in decisions["judge"]} <= {"news", None}


def test_what_did_not_survive_counts_as_not_found(tmp_path: Path) -> None:
    evaluated = small_set()
    engine = reader(evaluated)
    arms = grid(["never"], ["nn"], [2], [0], overlaps=["keep", "flat"], min_scores=[0.0, 0.95])
    assert [arm.name for arm in arms] == [
        "none keep from 0",
        "none keep from 0.95",
        "none flat from 0",
        "none flat from 0.95",
    ]
    report = run_experiment(experiment(engine, [evaluated], arms), tmp_path / "journal")
    assert len(engine.conversations) == len(evaluated.examples), "they share the answers"
    found = {each.arm: each.mentions.found for each in report.results}
    assert found["none keep from 0.95"] == found["none flat from 0.95"] == 12, "inventions were written all the same"
    assert found["none flat from 0"] <= found["none keep from 0"]
    assert [(arm.overlaps, arm.min_score) for arm in report.arms][2] == ("flat", 0.0)


def test_a_grid_has_each_combination_once() -> None:
    arms = grid(["never", "always"], ["nn", "diverse_nn"], [1, 2], [0, None])
    assert len(arms) == 1 + 8
    assert len({arm.name for arm in arms}) == 9
    with pytest.raises(InputError, match="'best' is not a judge"):
        Arm("best")
    with pytest.raises(InputError, match="not an ablation"):
        ablation("mine")


def test_what_cannot_be_evaluated_is_said_at_once(tmp_path: Path) -> None:
    evaluated = small_set(texts=2)
    with pytest.raises(InputError, match="two sets are named 'news'"):
        experiment(reader(evaluated), [evaluated, evaluated])
    with pytest.raises(InputError, match="there is no arm"):
        experiment(reader(evaluated), [evaluated], [])
    path = tmp_path / "set.jsonl"
    path.write_text('{"text": "x", "entities": [{"start": 0, "end": 9, "label": "a"}]}\n')
    with pytest.raises(DataError, match="line 1"):
        read_set(path)
    path.write_text('{"text": "x", "entities": [{"start": 0, "end": 1, "label": "a"}], "split": "dev"}\n')
    assert read_set(path).split == "dev"
    with pytest.raises(InputError, match="no split 'test'"):
        read_set(path, Selection(split="test"))
    with pytest.raises(InputError, match="no type 'b'"):
        read_set(path, Selection(types=("b",)))


def test_counts_survive_the_report(tmp_path: Path) -> None:
    evaluated = small_set(texts=5)
    report = run_experiment(experiment(reader(evaluated), [evaluated], [NEVER]), tmp_path / "journal")
    result = report.results[0]
    summed = sum((Counts(*each) for each in result.counts), Counts())
    assert (summed.right, summed.found, summed.there) == (
        result.mentions.right,
        result.mentions.found,
        result.mentions.there,
    )
