"""What is said of a disk before long work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ranit_rag.errors import DataError
from ranit_training.disk import check_space, check_writable


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "run")
    assert list((tmp_path / "new" / "run").iterdir()) == []


def test_the_processes_of_a_run_may_ask_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(check_writable, [tmp_path] * 2000))


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(DataError, match="cannot write to"):
        check_writable(tmp_path / "run")


def test_a_disk_without_room_is_told_before(tmp_path: Path) -> None:
    check_space(tmp_path / "not" / "there", 1)
    with pytest.raises(DataError, match=r"needs about 1048576\.0 GiB"):
        check_space(tmp_path / "not" / "there", 2**50)
