"""Raw texts and records: everything in a source is read or named."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from ranit_rag.errors import DataError, InputError
from ranit_training.sources import Document, load_records, read_documents

RECORD = {"text": "Paris is big.", "entities": [{"start": 0, "end": 5, "label": "city"}], "split": "train"}


def texts(source: Path, **options: str) -> list[str]:
    return [d.text if isinstance(d, Document) else f"error: {d.message}" for d in read_documents(source, **options)]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_a_blank_line_ends_a_document_of_a_text_file(tmp_path: Path, suffix: str) -> None:
    opened = {"": open, ".gz": gzip.open, ".xz": lzma.open}[suffix]
    with opened(tmp_path / f"a.txt{suffix}", "wt", encoding="utf-8") as stream:
        stream.write("One.\nTwo.\n\n\n三。\n")
    found = list(read_documents(tmp_path / f"a.txt{suffix}"))
    assert found == [
        Document("One.\nTwo.", f"{tmp_path}/a.txt{suffix}:1"),
        Document("三。", f"{tmp_path}/a.txt{suffix}:5"),
    ]


def test_a_text_file_without_blank_lines_is_read_in_blocks(tmp_path: Path) -> None:
    """A book in one piece would fill the memory."""
    lines = [f"Line {number} of the book." for number in range(5000)]
    (tmp_path / "book.txt").write_text("\n".join(lines), "utf-8")
    blocks = texts(tmp_path / "book.txt")
    assert len(blocks) > 4
    assert all(len(block) <= 20_050 for block in blocks)
    assert "\n".join(blocks).split("\n") == lines


def test_broken_lines_are_named_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n{"text": \n{"body": "b"}\n{"text": "\xff"}\n{"text": "c"}\n')
    found = texts(path)
    assert [found[0], found[-1]] == ["a", "c"]
    assert [line.split(": ")[1] for line in found[1:-1]] == [f"{path}:{number}" for number in (3, 4, 5)]
    assert texts(path, field="body")[2] == "b"


def test_parquet_and_data_sets_are_read_by_their_column(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"body": ["a", "b"]})
    data.to_parquet(tmp_path / "a.parquet")
    data.save_to_disk(str(tmp_path / "saved"))
    datasets.DatasetDict({"train": data, "test": data.select([1])}).save_to_disk(str(tmp_path / "splits"))
    (tmp_path / "folder").mkdir()
    data.to_parquet(tmp_path / "folder" / "part-0.parquet")
    for name in ("a.parquet", "saved", "splits", "folder"):
        assert texts(tmp_path / name, field="body") == ["a", "b"]
    assert texts(tmp_path / "splits", field="body", split="test") == ["b"]
    with pytest.raises(DataError, match="no split 'dev'") as error:
        texts(tmp_path / "splits", split="dev")
    assert "train, test" in error.value.hint
    with pytest.raises(DataError, match="no column 'text'") as error:
        texts(tmp_path / "a.parquet")
    assert "body" in error.value.hint


def test_what_is_no_source_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(InputError, match="does not tell"):
        read_documents(tmp_path / "a.pdf")
    with pytest.raises(DataError, match="cannot read"):
        list(read_documents(tmp_path / "a.parquet"))
    for absent in (tmp_path / "absent", "absent.jsonl", "corpora/absent.txt", "a/b/absent", "./absent", "~/absent"):
        with pytest.raises(DataError, match="neither a file nor a data set"):
            read_documents(absent)


def test_a_name_that_may_be_of_the_hub_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("datasets.load_dataset", lambda name, **_: asked.append(name) or [])
    names = ["conll2003", "allenai/c4", "Universal-NER/Pile-NER-type", "owner/set.v1"]
    for name in names:
        assert list(read_documents(name)) == []
    assert asked == names


def test_records_are_kept_by_their_split(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{**RECORD, "id": "1"}, {**RECORD, "id": "2", "split": "test", "lang": "en"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert [record.id for record in load_records([path])] == ["1", "2"]
    assert [(record.id, record.language) for record in load_records([path], split="test")] == [("2", "en")]
    with pytest.raises(DataError, match="no record of split 'dev'"):
        load_records([path], split="dev")


@pytest.mark.parametrize("split", [None, "train"])
def test_a_broken_record_stops_everything_unless_it_may_be_skipped(tmp_path: Path, split: str | None) -> None:
    path = tmp_path / "a.jsonl"
    wrong = {**RECORD, "entities": [{"start": 0, "end": 5, "label": "city", "text": "Rome"}]}
    path.write_text("".join(json.dumps(row) + "\n" for row in (RECORD, wrong)), "utf-8")
    with pytest.raises(DataError, match=r"1 of 2 records are broken: .*a\.jsonl:2: entity 'Rome'"):
        load_records([path], split=split)
    assert len(load_records([path], split=split, skip_broken=True)) == 1
