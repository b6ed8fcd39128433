"""What is read of a corpus: every record of every file, in order, and a word about each that cannot be."""

from __future__ import annotations

import csv
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ranit_rag.corpus import Corpus, Record, Unreadable, find_files
from ranit_rag.corpus.streams import file_records
from ranit_rag.errors import InputError


def texts(corpus: Corpus) -> list[str]:
    return [record.text for record in corpus]


def read(path: Path, **options: str) -> list[Record | Unreadable]:
    return list(file_records(path, find_files([path]).files[0].form, **options))


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "deep").mkdir()
        (tmp_path / "b.txt").write_text("second")
        (tmp_path / "a.jsonl").write_text('{"text": "first"}\n')
        (tmp_path / "deep" / "c.txt").write_text("third")
        (tmp_path / "picture.png").write_bytes(b"\x89PNG")
        (tmp_path / ".hidden.txt").write_text("not for us")
        return tmp_path

    def test_a_directory_is_read_in_the_order_of_its_paths_and_tells_what_it_skipped(self, folder: Path) -> None:
        found = find_files([folder])
        assert texts(Corpus(found.files)) == ["first", "second", "third"]
        assert [path.name for path in found.skipped] == ["picture.png"]

    def test_a_pattern(self, folder: Path) -> None:
        assert texts(Corpus(find_files([f"{folder}/**/*.txt"]).files)) == ["second", "third"]

    def test_a_file_named_twice_is_read_once(self, folder: Path) -> None:
        found = find_files([folder / "b.txt", folder, folder / "deep" / ".." / "b.txt"])
        assert texts(Corpus(found.files)) == ["second", "first", "third"]

    def test_a_form_that_is_given_holds_for_every_file(self, folder: Path) -> None:
        found = find_files([folder], "lines")
        assert '{"text": "first"}' in texts(Corpus(found.files))
        assert not found.skipped

    def test_what_names_nothing_is_refused_before_anything_is_asked(self, folder: Path) -> None:
        for nothing in ("missing", f"{folder}/*.csv"):
            with pytest.raises(InputError, match="no pattern that matches"):
                find_files([nothing])
        (folder / "empty").mkdir()
        with pytest.raises(InputError, match="no files to read"):
            find_files([folder / "empty"])

    def test_the_output_is_no_input(self, folder: Path) -> None:
        (folder / "out").mkdir()
        (folder / "out" / "part-00000.jsonl").write_text("{}")
        with pytest.raises(InputError, match="output of the run itself"):
            find_files([folder], without=folder / "out")

    def test_the_position_reaches_the_size(self, folder: Path) -> None:
        corpus = Corpus(find_files([folder]).files)
        positions = [corpus.position for _ in corpus]
        assert positions == sorted(positions)
        assert corpus.position == corpus.size

    def test_a_file_that_is_gone_when_its_turn_comes_keeps_its_place(self, folder: Path) -> None:
        corpus = Corpus(find_files([folder]).files)
        (folder / "b.txt").unlink()
        first, second, third = corpus
        assert (first.text, third.text) == ("first", "third")
        assert isinstance(second, Unreadable)
        assert "b.txt cannot be read" in second.error.message


class TestTables:
    def test_csv_with_all_that_a_record_may_say(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.csv"
        path.write_text(
            'id,body,types,language,ward\n7,"Aspirin, ""twice""\nin two lines","drug, disease",en,B\n\n8,头痛,,zh,\n',
            encoding="utf-8-sig",
        )
        first, second = read(path, text_column="body")
        assert isinstance(first, Record)
        assert (first.id, first.text) == ("7", 'Aspirin, "twice"\nin two lines')
        assert (first.types, first.language, first.meta) == (["drug", "disease"], "en", {"ward": "B"})
        assert isinstance(second, Record)
        assert (second.text, second.types, second.meta) == ("头痛", None, {})

    def test_tabs(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.tsv"
        path.write_text("text\tid\na, b\t1\n")
        (record,) = read(path)
        assert (record.text, getattr(record, "id", None)) == ("a, b", "1")

    def test_a_bad_row_costs_no_other(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.csv"
        path.write_bytes(b"id,text\n1,good\n2,\xff\xfe\n3,a,b,c\n4,\n5,fine\n")
        rows = read(path)
        assert [isinstance(row, Record) for row in rows] == [True, False, False, False, True]
        assert [row.error.message for row in rows if isinstance(row, Unreadable)] == [
            f"{path}:3: not UTF-8",
            f"{path}:4: 4 cells under 2 columns",
            f"{path}:5: the record has no text",
        ]

    def test_a_table_without_the_column_names_those_it_has(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.csv"
        path.write_text("body,id\nx,1\n")
        (row,) = read(path)
        assert isinstance(row, Unreadable)
        assert "'text'" in row.error.message
        assert "'body', 'id'" in row.error.hint

    def test_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.parquet"
        table = {
            "text": ["one", None, "three"],
            "id": [1, 2, 3],
            "types": [["drug"], None, None],
            "n": [0.5, 1.0, None],
        }
        parquet.write_table(pa.table(table), path)
        first, second, third = read(path)
        assert isinstance(first, Record)
        assert (first.id, first.types, first.meta) == (1, ["drug"], {"n": 0.5})
        assert isinstance(second, Unreadable)
        assert isinstance(third, Record)
        assert third.meta == {}

    def test_what_is_no_parquet_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.parquet"
        path.write_bytes(b"PAR1 not really PAR1")
        (row,) = read(path)
        assert isinstance(row, Unreadable)
        assert "cannot be read as Parquet" in row.error.message


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip), max_size=8))
def test_every_form_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, written: list[str]) -> None:
    folder = tmp_path_factory.mktemp("forms")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["text"], *([text] for text in written)])
    (folder / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in written))
    parquet.write_table(pa.table({"text": pa.array(written, pa.string())}), folder / "c.parquet")
    for file in find_files([folder]).files:
        assert [record.text for record in file_records(file.path, file.form)] == written, file.form


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    line = json.dumps({"text": "x" * 1000}) + "\n"
    path = tmp_path / "many.jsonl"
    path.write_text(line * 20_000)
    tracemalloc.start()
    assert sum(1 for _ in Corpus(find_files([path]).files)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000, "20 MB were read"
