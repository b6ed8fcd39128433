"""The journal: what was answered is known after any end of the process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ranit_rag.errors import DataError, InputError
from ranit_training.annotate.journal import Answered, Journal, passage_key

ASKED = {"model": "m", "recipe": "r@1"}


def answered(text: str) -> Answered:
    return Answered(passage_key(text), f'[("{text}", "x")]', False, 10, 5)


def test_answers_are_there_for_the_next_run(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", ASKED) as journal:
        for text in ("a", "北京", "c\nd"):
            journal.add(answered(text))
    with Journal(tmp_path / "j", ASKED) as journal:
        assert journal.get(passage_key("北京")) == answered("北京")
        assert (len(journal), journal.prompt_tokens, journal.output_tokens) == (3, 30, 15)
        assert journal.get(passage_key("z")) is None
        journal.add(answered("z"))
        assert journal.get(passage_key("a")) == answered("a")
        assert passage_key("z") in journal


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_a_kill_cut_off_is_asked_again_and_hurts_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j"
    with Journal(path, ASKED) as journal:
        journal.add(answered("a"))
        journal.add(answered("b"))
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, ASKED) as journal:
        assert passage_key("a") in journal
        assert passage_key("b") not in journal
        journal.add(answered("b"))
    with Journal(path, ASKED) as journal:
        assert journal.get(passage_key("b")) == answered("b")
    assert len(path.read_text("utf-8").splitlines()) == 3


def test_a_journal_cut_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"asked": {"mod')
    with Journal(tmp_path / "j", ASKED) as journal:
        assert len(journal) == 0


def test_answers_of_another_model_do_not_mix(tmp_path: Path) -> None:
    Journal(tmp_path / "j", ASKED).close()
    with pytest.raises(InputError, match=r'was begun with \{"model": "m"'):
        Journal(tmp_path / "j", {**ASKED, "model": "other"})
    Journal(tmp_path / "j", ASKED).close()  # the failed one let go of it


def test_two_runs_cannot_write_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", ASKED), pytest.raises(InputError, match="another run"):
        Journal(tmp_path / "j", ASKED)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text(json.dumps({"text": "my data"}) + "\n")
    with pytest.raises(InputError, match="was begun with null"):
        Journal(path, ASKED)
    assert path.read_text() == json.dumps({"text": "my data"}) + "\n"
    path.write_text(json.dumps({"asked": ASKED}) + "\n[1]\n")
    with pytest.raises(DataError, match="no answer"):
        Journal(path, ASKED)
