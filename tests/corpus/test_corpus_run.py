"""A run over a corpus: its rows, its failures, and how it goes on when it was stopped or its input changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ranit_rag import Conversation, Ranit, Reply, open_stores
from ranit_rag.corpus import Corpus, Policy, Prices, Record, Summary, extract_corpus, find_files
from ranit_rag.errors import DataError, EngineError, InputError, ServerError
from ranit_rag.testing import ScriptedEngine

SMALL = Policy(part_size=3)


class Watched(ScriptedEngine):
    """Knows Aspirin, fails on "unlucky", refuses a whole batch with "poison" in it, and stops after so many."""

    def __init__(self, *, stop_after: int | None = None, lucky: bool = False) -> None:
        refused = {} if lucky else {("unlucky", "drug"): ServerError("the server hung up", hint="start it again")}
        super().__init__({**refused, ("Aspirin", "drug"): ["Aspirin"]})
        self.asked: list[str] = []
        self._stop_after = stop_after

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        texts = [each.source or "" for each in conversations]
        if self._stop_after is not None and len(self.asked) >= self._stop_after:
            raise KeyboardInterrupt
        if any("poison" in text for text in texts):
            raise RuntimeError("the graphics card fell off")
        self.asked += texts
        return super().generate(conversations, max_tokens=max_tokens)


def run(engine: ScriptedEngine, texts: Sequence[str | Record], output: Path, **options: Any) -> Summary:
    records = [text if isinstance(text, Record) else Record(text, f"here:{i}") for i, text in enumerate(texts)]
    options = {"types": {"drug": ""}, "policy": SMALL, **options}
    return extract_corpus(Ranit(engine, judge="never"), records, output, **options)


def rows(output: Path, kind: str = "part") -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(output.glob(f"{kind}-*.jsonl")) for line in path.open()]


def names(output: Path) -> list[str]:
    return sorted(path.name for path in output.iterdir())


def content(output: Path) -> dict[str, Any]:
    """All rows and failures of an output, less how long they took."""

    def timeless(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "usage": {**row["usage"], "seconds": None}}

    return {
        path.name: [timeless(json.loads(line)) for line in path.open()] for path in sorted(output.glob("*-*.jsonl"))
    }


TEXTS = ["Aspirin helps.", "unlucky", "nothing", "Aspirin again.", "", "more Aspirin", "the end"]


def test_rows_come_in_order_and_failures_beside_them(tmp_path: Path) -> None:
    summary = run(Watched(), TEXTS, tmp_path / "out")
    assert names(tmp_path / "out") == [
        *("failures-00000.jsonl", "failures-00001.jsonl"),
        *("part-00000.jsonl", "part-00001.jsonl", "part-00002.jsonl", "run.json", "summary.json"),
    ]
    assert [(row["index"], row["text"]) for row in rows(tmp_path / "out")] == [
        (index, text) for index, text in enumerate(TEXTS) if index not in (1, 4)
    ]
    first, second = rows(tmp_path / "out", "failures")
    assert (first["index"], first["origin"], first["error"]["message"]) == (1, "here:1", "the server hung up")
    assert first["error"]["hint"] == "start it again"
    assert (second["index"], second["error"]["type"]) == (4, "InputError")
    assert summary.to_dict() == json.loads((tmp_path / "out" / "summary.json").read_bytes())


def test_the_summary_counts_entities_routes_losses_tokens_and_cost(tmp_path: Path) -> None:
    summary = run(Watched(), TEXTS, tmp_path / "out", prices=Prices(prompt=2.0, output=10.0)).to_dict()
    assert (summary["records"], summary["succeeded"], summary["failed"]) == (7, 5, 2)
    assert summary["failures"] == {"ServerError": 1, "InputError": 1}
    assert summary["entities"] == {"drug": 3}
    assert summary["routes"] == {"none": 5}
    usage = [row["usage"] for row in rows(tmp_path / "out")]
    assert summary["tokens"]["prompt_tokens"] == sum(each["prompt_tokens"] for each in usage) > 0
    tokens = summary["tokens"]
    assert summary["cost"] == pytest.approx(
        (tokens["prompt_tokens"] * 2 + tokens["output_tokens"] * 10) / 1e6, abs=1e-6
    )


def test_what_a_record_brings_comes_back(tmp_path: Path) -> None:
    record = Record("Aspirin", id=7, types=["drug", "city"], language="zh", meta={"ward": "B"})
    run(Watched(), [record], tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["id"], row["language"], row["meta"]) == (7, "zh", {"ward": "B"})


def test_a_run_that_is_through_asks_nothing_more_and_changes_no_file(tmp_path: Path) -> None:
    first = run(Watched(), TEXTS, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*-*.jsonl")}
    engine = Watched()
    again = run(engine, TEXTS, tmp_path / "out")
    assert not engine.asked
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*-*.jsonl")}
    assert (again.asked, again.tally) == (0, first.tally)


@pytest.mark.parametrize("stop_after", range(1, 7))
def test_a_run_that_was_interrupted_goes_on_where_it_was(tmp_path: Path, stop_after: int) -> None:
    from ranit_rag.corpus.lanes import Lanes

    one = Lanes(texts=1)
    run(Watched(), TEXTS, tmp_path / "whole", lanes=one)
    stopped = Watched(stop_after=stop_after)
    try:
        run(stopped, TEXTS, tmp_path / "out", lanes=one)
    except KeyboardInterrupt:
        engine = Watched()
        run(engine, TEXTS, tmp_path / "out", lanes=one)
        assert len(engine.asked) + len(stopped.asked) == 6, "nothing is asked twice"
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert names(tmp_path / "out") == names(tmp_path / "whole")


def test_only_what_failed_is_asked_again_and_takes_its_place(tmp_path: Path) -> None:
    run(Watched(), TEXTS, tmp_path / "out")
    engine = Watched(lucky=True)
    summary = run(engine, TEXTS, tmp_path / "out", policy=Policy(part_size=3, retry_failed=True))
    assert engine.asked == ["unlucky"]
    assert [row["index"] for row in rows(tmp_path / "out")] == [0, 1, 2, 3, 5, 6]
    assert [row["index"] for row in rows(tmp_path / "out", "failures")] == [4]
    assert summary.failed == 1


def test_a_retry_that_is_interrupted_loses_no_answer(tmp_path: Path) -> None:
    texts = ["unlucky 1", "unlucky 2", "unlucky 3", "unlucky 4"]
    run(Watched(), texts, tmp_path / "out")
    from ranit_rag.corpus.lanes import Lanes

    retry, one = Policy(part_size=3, retry_failed=True), Lanes(texts=1)
    with pytest.raises(KeyboardInterrupt):
        run(Watched(lucky=True, stop_after=2), texts, tmp_path / "out", policy=retry, lanes=one)
    engine = Watched(lucky=True)
    run(engine, texts, tmp_path / "out", policy=retry, lanes=one)
    assert engine.asked == ["unlucky 3", "unlucky 4"]
    assert len(rows(tmp_path / "out")) == 4


def test_other_settings_are_refused_and_the_remedies_work(tmp_path: Path) -> None:
    run(Watched(), TEXTS, tmp_path / "out")
    for other in ({"types": {"city": ""}}, {"policy": Policy(part_size=4)}):
        with pytest.raises(InputError, match=r"other settings: (identity types|part_size) was") as raised:
            run(Watched(), TEXTS, tmp_path / "out", **other)
        assert "--no-resume" in raised.value.hint
    run(Watched(), TEXTS, tmp_path / "out", types={"city": ""}, policy=Policy(part_size=4, resume=False))
    assert "part-00002.jsonl" not in names(tmp_path / "out")
    assert all(not row["entities"] for row in rows(tmp_path / "out"))


def test_a_store_that_changed_is_another_setting(tmp_path: Path) -> None:
    stores = open_stores(str(tmp_path / "stores"))
    ner = Ranit(Watched(), stores=stores, judge="calibrated")
    from ranit_rag import Example

    class Letters:
        name, dimension = "letters", 2

        def embed(self, texts: Sequence[str]) -> Any:
            import numpy as np

            return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    store = stores.open("medicine", Letters(), create=True)
    store.add([Example.from_mentions("Take Aspirin.", {"drug": ["Aspirin"]})])
    extract_corpus(ner, [], tmp_path / "out", types={"drug": ""})
    store.add([Example.from_mentions("Take Ibuprofen.", {"drug": ["Ibuprofen"]})])
    with pytest.raises(InputError, match="retriever stores medicine was"):
        extract_corpus(ner, [], tmp_path / "out", types={"drug": ""})


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not the output of an earlier run"):
        run(Watched(), TEXTS, tmp_path, policy=Policy(resume=False))
    assert names(tmp_path) == ["thesis.tex"]


class TestAnInputThatChanged:
    def test_a_corrected_text_alone_is_asked(self, tmp_path: Path) -> None:
        run(Watched(), TEXTS, tmp_path / "out")
        corrected = [*TEXTS[:4], "no longer empty", *TEXTS[5:]]
        engine = Watched()
        run(engine, corrected, tmp_path / "out")
        assert engine.asked == ["no longer empty"]
        run(Watched(), corrected, tmp_path / "fresh")
        assert content(tmp_path / "out") == content(tmp_path / "fresh")
        assert names(tmp_path / "out") == names(tmp_path / "fresh")

    def test_rows_move_with_their_texts(self, tmp_path: Path) -> None:
        run(Watched(), TEXTS, tmp_path / "out")
        changed = ["a new first one", *TEXTS[2:], "and a last one"]
        engine = Watched()
        run(engine, changed, tmp_path / "out")
        assert engine.asked == ["a new first one", "and a last one"]
        assert [row["text"] for row in rows(tmp_path / "out")] == [text for text in changed if text]

    def test_a_shorter_one_leaves_no_rows_behind(self, tmp_path: Path) -> None:
        run(Watched(), TEXTS, tmp_path / "out")
        run(Watched(), TEXTS[:2], tmp_path / "out")
        assert [row["text"] for row in rows(tmp_path / "out")] == TEXTS[:1]
        assert "part-00001.jsonl" not in names(tmp_path / "out")

    def test_a_new_name_for_an_old_text_costs_nothing(self, tmp_path: Path) -> None:
        run(Watched(), [Record("Aspirin", id="a")], tmp_path / "out")
        engine = Watched()
        run(engine, [Record("Aspirin", id="b", meta={"n": 1})], tmp_path / "out")
        assert not engine.asked
        (row,) = rows(tmp_path / "out")
        assert (row["id"], row["meta"]) == ("b", {"n": 1})

    def test_a_damaged_row_is_asked_again(self, tmp_path: Path) -> None:
        run(Watched(), TEXTS, tmp_path / "out")
        path = tmp_path / "out" / "part-00000.jsonl"
        path.write_bytes(path.read_bytes()[:-20])
        engine = Watched()
        run(engine, TEXTS, tmp_path / "out")
        assert engine.asked == ["nothing"]


def test_equal_texts_are_asked_once_and_paid_once(tmp_path: Path) -> None:
    engine = Watched()
    summary = run(engine, ["Aspirin"] * 3, tmp_path / "out")
    assert engine.asked == ["Aspirin"]
    assert [row["usage"]["calls"] for row in rows(tmp_path / "out")] == [1, 0, 0]
    assert summary.tally.entities["drug"] == 3


def test_a_text_that_breaks_a_batch_breaks_no_other(tmp_path: Path) -> None:
    run(Watched(), ["Aspirin", "poison", "more Aspirin"], tmp_path / "out")
    assert [row["text"] for row in rows(tmp_path / "out")] == ["Aspirin", "more Aspirin"]
    (failed,) = rows(tmp_path / "out", "failures")
    assert failed["error"]["message"] == "the graphics card fell off"


def test_a_dead_engine_does_not_burn_through_the_corpus(tmp_path: Path) -> None:
    texts = [f"unlucky {number}" for number in range(50)]
    with pytest.raises(EngineError, match="5 texts in a row failed, the last with: the server hung up") as raised:
        run(Watched(), texts, tmp_path / "out", policy=Policy(stop_after=5))
    assert "--retry-failed" in raised.value.hint
    engine = Watched(lucky=True)
    summary = run(engine, texts, tmp_path / "out", policy=Policy(retry_failed=True))
    assert (summary.failed, len(engine.asked)) == (0, 50)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    def during(_: object) -> None:
        with pytest.raises(InputError, match="being written by another run"):
            run(Watched(), TEXTS, tmp_path / "out")

    run(Watched(), TEXTS, tmp_path / "out", on_progress=during)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[Any] = []
    run(Watched(), TEXTS, tmp_path / "out", on_progress=told.append)
    assert (told[-1].records, told[-1].asked, told[-1].failed) == (7, 7, 2)
    assert told[-1].spent["calls"] == 5
    assert [each.records for each in told] == sorted(each.records for each in told)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        run(Watched(), TEXTS, tmp_path / "file" / "out")


def test_files_to_rows(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"text": "Aspirin", "id": 1}\nnot json\n')
    (tmp_path / "in" / "b.txt").write_text("Aspirin and more")
    corpus = Corpus(find_files([tmp_path / "in"]).files)
    extract_corpus(Ranit(Watched(), judge="never"), corpus, tmp_path / "out", types={"drug": ""})
    assert [row["id"] for row in rows(tmp_path / "out")] == [1, str(tmp_path / "in" / "b.txt")]
    (failed,) = rows(tmp_path / "out", "failures")
    assert failed["origin"] == f"{tmp_path}/in/a.jsonl:2"
