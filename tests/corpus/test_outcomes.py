"""Outcomes on the disk: written in pieces they are the same JSON, and what a power cut spoilt is asked again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.evil_text import evil_text

from ranit_rag import Decision, Entity, Extraction, Failure, Ranit, Usage
from ranit_rag.corpus import Record, extract_corpus, outcomes
from ranit_rag.corpus.outcomes import Outcome, Outcomes, outcome_in, outcome_of
from ranit_rag.corpus.parts import Head
from ranit_rag.errors import ServerError
from ranit_rag.results import Dropped
from ranit_rag.testing import ScriptedEngine

entities = st.builds(Entity, evil_text, evil_text, st.integers(0, 99), st.integers(0, 99), st.none() | st.floats(0, 1))
dropped = st.builds(Dropped, evil_text, evil_text, st.just("ungrounded"))
extractions = st.builds(
    Extraction,
    evil_text,
    st.just("en"),
    st.lists(entities, max_size=5).map(tuple),
    st.lists(st.builds(Decision, st.just("none"), evil_text), max_size=3).map(tuple),
    st.builds(Usage, st.integers(0, 9), seconds=st.just({"plan": 0.5})),
    st.floats(0, 1),
    st.lists(dropped, max_size=3).map(tuple),
)


def row(outcome: Outcome) -> dict[str, Any]:
    line = b"".join(Head(3, "k", "id", "here:1", {"ward": "B"}).row(outcome))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    parsed: dict[str, Any] = json.loads(line)
    return parsed


@given(extractions)
def test_a_row_holds_the_contract_with_what_the_record_brought(extraction: Extraction) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "_BLOCK", 7)
        patch.setattr(outcomes, "_ITEMS_AT_ONCE", 2)
        outcome = outcome_of(extraction)
        written = row(outcome)
    wanted = {"index": 3, "key": "k", "id": "id", **extraction.to_dict(), "meta": {"ward": "B"}}
    assert written == json.loads(json.dumps(wanted))
    again = outcome_in(written)
    assert row(again) == written
    assert again.tally == outcome.tally


def test_a_failure_tells_its_origin_and_how_its_text_begins() -> None:
    outcome = outcome_of(Failure(0, "x" * 1000, ServerError("gone", hint="start it")))
    assert outcome.failed
    written = row(outcome)
    assert written["text"] == "x" * 200
    assert written["error"] == {"type": "ServerError", "message": "gone", "hint": "start it"}
    assert written["origin"] == "here:1"


def kept(folder: Path) -> Outcomes:
    return Outcomes(folder / "part-00000.journal", {"part": 0})


def test_what_a_power_cut_took_from_the_disk_is_not_taken_for_an_outcome(tmp_path: Path) -> None:
    both = kept(tmp_path)
    both.add({"a": outcome_of(Extraction("Aspirin", "en"))})
    both.add({"b": outcome_of(Extraction("Ibuprofen", "en"))})
    both.close()
    bodies = tmp_path / "part-00000.outcomes"
    whole = bodies.read_bytes()
    bodies.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))  # the journal was on the disk before them
    again = kept(tmp_path)
    assert again.get("b") is None
    assert again.get("a") is not None
    again.add({"b": outcome_of(Extraction("Ibuprofen", "en"))})
    known = again.get("b")
    assert known is not None
    assert row(known)["text"] == "Ibuprofen"
    again.delete()
    assert not list(tmp_path.iterdir())


def test_the_counts_of_an_outcome_survive(tmp_path: Path) -> None:
    extraction = Extraction("Aspirin", "en", (Entity("Aspirin", "drug", 0, 7),), (Decision("none", "never"),))
    first = kept(tmp_path)
    first.add({"a": outcome_of(extraction), "b": outcome_of(Failure(1, "", ServerError("gone")))})
    first.close()
    again = kept(tmp_path)
    success, failure = again.get("a"), again.get("b")
    again.close()
    assert success is not None
    assert failure is not None
    assert (success.tally, success.failed) == (outcome_of(extraction).tally, False)
    assert (failure.tally.failures, failure.failed) == ({"ServerError": 1}, True)


def test_a_kill_between_the_last_steps_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are written and the first of the journal's files is gone when the kill comes."""
    engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]})

    def run() -> None:
        extract_corpus(
            Ranit(engine, judge="never"), [Record("Aspirin", "here:0")], tmp_path / "out", types={"drug": ""}
        )

    def killed(outcomes: Outcomes) -> None:
        outcomes.close()
        outcomes._paths[0].unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Outcomes, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            run()
    run()
    assert len(engine.conversations) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"part-00000.jsonl", "run.json", "summary.json"}


LONG = """
import resource, sys
from pathlib import Path
from ranit_rag import Ranit
from ranit_rag.corpus import Record, extract_corpus
from ranit_rag.testing import ScriptedEngine

class Forgetful(ScriptedEngine):
    def generate(self, *arguments, **options):
        replies = super().generate(*arguments, **options)
        self.conversations.clear()
        return replies

def run(text):
    ner = Ranit(Forgetful({("Aspirin", "drug"): ["Aspirin"]}, context=16_384), judge="never")
    assert extract_corpus(ner, [Record(text)], Path(sys.argv[1]), types={"drug": ""}).asked == int(sys.argv[3])

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run("Aspirin eased her migraine on day 7 of the trial in Lisbon. " * (int(sys.argv[2]) // 60))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_long_text_takes_a_few_times_its_size_in_memory_also_when_the_run_is_begun_again(tmp_path: Path) -> None:
    characters = 4_000_000
    for asked, most in ((1, 9), (0, 9)):
        command = [sys.executable, "-c", LONG, str(tmp_path / "out"), str(characters), str(asked)]
        grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert grown * 1024 < most * characters, grown * 1024 / characters
