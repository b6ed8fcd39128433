"""Files of conversations: whole or not there, and readable by what trains on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ranit_rag.errors import DataError, InputError
from ranit_training.layouts import Row, read_rows, write_llama_factory, write_rows

ROWS: list[Row] = [
    {
        "id": str(number),
        "system": "",
        "conversations": [{"from": "human", "value": f'Text: 北京 "{number}"\n'}, {"from": "gpt", "value": "[]"}],
        "examples": ["a"] * (number % 2),
    }
    for number in range(2500)
]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("count", [0, 1, 2500])
def test_what_was_written_is_read_again(tmp_path: Path, suffix: str, count: int) -> None:
    path = tmp_path / "new" / f"rows{suffix}"
    assert write_rows(iter(ROWS[:count]), path) == count
    assert list(read_rows(path)) == ROWS[:count]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_hugging_face_loads_what_was_written(tmp_path: Path, suffix: str) -> None:
    datasets = pytest.importorskip("datasets")
    write_rows(ROWS[:3], tmp_path / f"rows{suffix}")
    kind = "parquet" if suffix == ".parquet" else "json"
    loaded = datasets.load_dataset(
        kind, data_files=str(tmp_path / f"rows{suffix}"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert [row["conversations"] for row in loaded] == [row["conversations"] for row in ROWS[:3]]


def test_a_file_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    def failing() -> Iterator[Row]:
        yield ROWS[0]
        raise RuntimeError("cut off")

    path = tmp_path / "rows.jsonl"
    path.write_text("before")
    with pytest.raises(RuntimeError):
        write_rows(failing(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_llama_factory_finds_each_data_set_in_the_index(tmp_path: Path) -> None:
    """The keys are those of its documentation for sharegpt data."""
    assert write_llama_factory(ROWS[:2], tmp_path / "data", "plain") == 2
    write_llama_factory(ROWS[:1], tmp_path / "data", "ra_it")
    index = json.loads((tmp_path / "data" / "dataset_info.json").read_text())
    assert list(index) == ["plain", "ra_it"]
    entry = index["ra_it"]
    assert (entry["formatting"], entry["columns"]["messages"]) == ("sharegpt", "conversations")
    row = next(read_rows(tmp_path / "data" / entry["file_name"]))
    turn = row[entry["columns"]["messages"]][0]
    assert turn[entry["tags"]["role_tag"]] == entry["tags"]["user_tag"]
    assert isinstance(turn[entry["tags"]["content_tag"]], str)
    assert isinstance(row[entry["columns"]["system"]], str)


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(InputError, match="is not a name"):
        write_rows(ROWS, tmp_path / "rows.csv")
    with pytest.raises(DataError, match="cannot write"):
        write_rows(ROWS, tmp_path / "file" / "rows.jsonl")
    with pytest.raises(DataError, match="is not JSON"):
        write_llama_factory(ROWS, tmp_path, "x")


def test_a_full_disk_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    from ranit_training.layouts import told_errors

    with pytest.raises(DataError, match="No space left") as error, told_errors(Path("/dev/full")):
        Path("/dev/full").write_text("x" * 10_000)
    assert "space" in error.value.hint
