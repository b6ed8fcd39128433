"""Files of examples: what is written is read again, and a broken record is told with its line and its reason."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranit_rag.errors import DataError, InputError
from ranit_rag.stores.formats import ColumnLayout, Format, read_examples, text_lines, to_dataset, write_examples
from ranit_rag.types import Entity, Example

ALPHABET = st.sampled_from("ab Zé0.,\"'\\-\n\t\u00a0北京😀🏳️‍🌈ش\u0301#O")


@st.composite
def annotated(draw: st.DrawFn) -> Example:
    text = draw(st.text(ALPHABET, min_size=1, max_size=40))
    spans = draw(st.sets(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 8), st.sampled_from(["型", "a b"]))))
    entities = (Entity(text[s : s + n], label, s, min(s + n, len(text))) for s, n, label in sorted(spans))
    unique = {(e.start, e.end, e.label): e for e in entities}
    return Example(text, tuple(unique.values()), language="en", domain="d", source="s")


def read_sound(path: Path, format: Format | str = "auto", **options: object) -> list[Example]:
    found = [item for _, item in read_examples(path, format, **options)]  # type: ignore[arg-type]
    assert [item for item in found if isinstance(item, DataError)] == []
    return [item for item in found if isinstance(item, Example)]


def spans_of(example: Example) -> set[tuple[int, int, str]]:
    return {(e.start, e.end, e.label) for e in example.entities}


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", ["x.jsonl", "x.spacy", "x.parquet", "label-studio"])
@given(examples=st.lists(annotated(), min_size=1, max_size=5))
@QUICK
def test_texts_and_entities_survive_a_round_trip(tmp_path: Path, name: str, examples: list[Example]) -> None:
    path = tmp_path / ("x.json" if name == "label-studio" else name)
    format = name if name == "label-studio" else "auto"
    write_examples(examples, path, format)  # type: ignore[arg-type]
    back = read_sound(path, format)
    assert [(e.text, spans_of(e)) for e in back] == [(e.text, spans_of(e)) for e in examples]
    if path.suffix in (".jsonl", ".parquet"):
        assert back == examples


@given(examples=st.lists(annotated(), min_size=1, max_size=5))
@QUICK
def test_conll_keeps_all_but_white_space_and_overlaps(tmp_path: Path, examples: list[Example]) -> None:
    path = tmp_path / "x.conll"
    write_examples(examples, path)
    back = read_sound(path, layout=ColumnLayout(separator="\t", joiner=""))
    told = [example for example in examples if not example.text.isspace()]
    assert [e.text for e in back] == ["".join(e.text.split()) for e in told]
    for example, read in zip(told, back, strict=True):
        inside = {("".join(e.text.split()), e.label) for e in example.entities}
        assert {(e.text, e.label) for e in read.entities} <= inside


def test_broken_lines_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [
        b'\xef\xbb\xbf{"text": "Ann met Bob.", "entities": [{"start": 0, "end": 3, "label": "person", "text": "Ann"}]}',
        b'{"text": "cut',
        b'"a string"',
        b"",
        b'{"text": "caf\xe9", "entities": []}',
        b'{"entities": []}',
        b'{"text": "Ann met Bob.", "entities": [{"start": 1, "end": 4, "label": "person", "text": "Ann"}]}',
        b'{"text": "Ann met Bob.", "entities": [{"start": 0, "end": 40, "label": "person", "text": "Ann"}]}',
        b'{"text": "Ann met Bob.", "entities": [{"start": 3, "end": 3, "label": "person"}]}',
        b'{"text": "Ann met Bob.", "entities": [{"start": 0, "end": 3, "label": " "}]}',
        b'{"text": "Ann met Bob.", "entities": [{"start": [0], "end": "3", "label": "person"}]}',
        b'{"text": "Ann met Bob.", "entities": [5]}',
        b'{"text": "Ann met Bob.", "entities": {"person": 1}}',
        b"[" * 100_000,
        b'{"text": "\xe5\xae\x89", "lang": "zh", "id": "7"}\r',
    ]
    path.write_bytes(b"\n".join(lines))
    found = dict(read_examples(path, domain="d"))
    sound = {line for line, item in found.items() if isinstance(item, Example)}
    assert sound == {1, 15}
    assert sorted(found) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    assert found[15] == Example("安", domain="d", language="zh", id="7")
    reasons = {line: str(item) for line, item in found.items() if line not in sound}
    for line, part in {2: "not JSON", 3: "holds a str", 5: "not UTF-8", 6: "no text", 7: "1:4", 9: "3:3"}.items():
        assert part in reasons[line]
    for line, part in {10: "no label", 11: "whole numbers", 12: "not 5", 13: "list", 14: "not JSON"}.items():
        assert part in reasons[line]


@pytest.mark.parametrize(("encoding", "unit", "width"), [("utf-16-le", "UTF-16", 2), ("utf-8", "bytes", 1)])
def test_offsets_in_other_units_are_recognised(tmp_path: Path, encoding: str, unit: str, width: int) -> None:
    text, mention = "😀 Ann lives in Łódź 😀 with Bob", "Bob"
    start = len(text[: text.index(mention)].encode(encoding)) // width
    entity = {"start": start, "end": start + len(mention), "label": "person", "text": mention}
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": text, "entities": [entity]}), "utf-8")
    ((_, error),) = read_examples(path)
    assert isinstance(error, DataError)
    assert unit in str(error)
    assert "code points" in error.hint


def test_compressed_files_are_read_and_a_cut_one_is_an_error(tmp_path: Path) -> None:
    line = json.dumps({"text": "Ann."}).encode() + b"\n"
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(line * 1000))
    (tmp_path / "x.jsonl.xz").write_bytes(lzma.compress(line * 1000))
    for name in ("x.jsonl.gz", "x.jsonl.xz"):
        assert len(read_sound(tmp_path / name)) == 1000
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(line * 1000)[:-20])
    with pytest.raises(DataError, match="cut"):
        list(read_examples(tmp_path / "cut.jsonl.gz"))


def test_wrong_choices_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("")
    (tmp_path / "x.xyz").write_text("")
    assert list(read_examples(tmp_path / "x.jsonl")) == []
    with pytest.raises(InputError, match="xml"):
        read_examples(tmp_path / "x.jsonl", "xml")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no columns"):
        read_examples(tmp_path / "x.jsonl", layout=ColumnLayout())
    with pytest.raises(DataError, match=r"x\.xyz"):
        read_examples(tmp_path / "x.xyz")
    with pytest.raises(DataError, match="no file"):
        read_examples(tmp_path / "missing.jsonl")
    for name in ("x.spacy", "x.parquet"):
        (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(DataError, match=name):
            list(read_examples(tmp_path / name))
    with pytest.raises(InputError, match="spacy"):
        list(text_lines([], "spacy"))
    with pytest.raises(DataError, match="cannot write"):
        write_examples([], tmp_path / "no" / "x.jsonl")


def test_a_dataset_in_memory_saved_and_as_parquet(tmp_path: Path) -> None:
    import datasets

    names = ["O", "B-人名", "I-人名"]
    tags = datasets.Sequence(datasets.ClassLabel(names=names))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": tags})
    rows = {"tokens": [list("张三来了"), list("没有")], "ner_tags": [[1, 2, 0, 0], [0, 0]]}
    data = datasets.Dataset.from_dict(rows, features=features)
    expected = [("张三来了", {(0, 2, "人名")}), ("没有", set())]
    data.save_to_disk(tmp_path / "saved")
    datasets.DatasetDict({"train": data}).save_to_disk(tmp_path / "splits")
    data.to_parquet(str(tmp_path / "x.parquet"))
    for source in (data, tmp_path / "saved", tmp_path / "splits", tmp_path / "x.parquet"):
        found = read_sound(source)  # type: ignore[arg-type]
        assert [(e.text, spans_of(e)) for e in found] == expected
        assert {e.language for e in found} == {"zh"}
    example = Example.from_mentions("Ann met Bob.", {"person": ["Ann"]}, language="en")
    assert read_sound(to_dataset([example])) == [example]  # type: ignore[arg-type]


def test_a_dataset_that_does_not_fit_is_told() -> None:
    import datasets

    with pytest.raises(DataError, match="sentence"):
        list(read_examples(datasets.Dataset.from_dict({"sentence": ["a"]})))
    rows = {"tokens": [["a", "b"], ["c"]], "ner_tags": [[0, 1], [0, 0]]}
    unnamed, uneven = (item for _, item in read_examples(datasets.Dataset.from_dict(rows)))
    assert "does not name it" in str(unnamed)
    assert "1 tokens and 2 tags" in str(uneven)


def test_label_studio_exports(tmp_path: Path) -> None:
    def region(start: int, end: int, **value: object) -> dict[str, object]:
        return {"type": "labels", "to_name": "body", "value": {"start": start, "end": end, **value}}

    def task(number: int, text: str, *annotations: dict[str, object]) -> dict[str, object]:
        return {"id": number, "data": {"body": text}, "annotations": list(annotations)}

    ann = region(0, 3, text="Ann", labels=["person", "name"])
    bob = region(8, 11, text="Bob", labels=["person"])
    tasks = [
        task(1, "Ann met Bob.", {"was_cancelled": True, "result": [bob]}, {"result": [ann]}),
        task(2, "Ann met Bob.", {"result": [ann]}, {"ground_truth": True, "result": [bob]}),
        task(3, "Nobody looked."),
        {"id": 4, "text": "Ann met Bob.", "label": [{"start": 8, "end": 11, "text": "Bob", "labels": ["person"]}]},
        task(5, "😀 Ann", {"result": [region(3, 6, text="Ann", labels=["person"])]}),
        task(6, "Ann", {"result": [region(0, 3)]}),
        {"id": 7},
        8,
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), "utf-8")
    found = dict(read_examples(path))
    assert spans_of(found[1]) == {(0, 3, "person"), (0, 3, "name")}  # type: ignore[arg-type]
    assert spans_of(found[2]) == spans_of(found[4]) == {(8, 11, "person")}  # type: ignore[arg-type]
    assert found[1].source == "label-studio:1"  # type: ignore[union-attr]
    assert 3 not in found
    assert ["UTF-16" in str(found[5]), "no label" in str(found[6]), "no data" in str(found[7])] == [True] * 3
    assert isinstance(found[8], DataError)
