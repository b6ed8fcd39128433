"""Entries that are written together survive a kill together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranit_rag.journal import Journal


@pytest.mark.parametrize("kept", [1, 10, 30, 60])
def test_a_batch_that_a_kill_cut_off_is_gone_as_a_whole(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "journal"
    with Journal(path, {}) as journal:
        journal.add({"key": "a", "value": 1})
        whole = path.stat().st_size
        journal.add({"key": "b", "value": "北京\n"}, {"key": "c", "value": 3})
        assert journal.get("c") == {"key": "c", "value": 3}
    path.write_bytes(path.read_bytes()[: whole + kept])
    with Journal(path, {}) as journal:
        assert ("a" in journal, "b" in journal, "c" in journal) == (True, False, False)
        journal.add({"key": "b", "value": "again"})
    with Journal(path, {}) as journal:
        assert journal.get("b") == {"key": "b", "value": "again"}
        assert len(journal) == 2
