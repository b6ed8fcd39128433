"""CoNLL files as they are found: many columns, many label schemes, comments, Chinese."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from ranit_rag.errors import DataError
from ranit_rag.stores.formats import ColumnLayout, read_examples, write_examples
from ranit_rag.types import Example


def read(path: Path, content: str, **options: object) -> list[tuple[int, str, list[tuple[str, str]]]]:
    path.write_text(content, "utf-8")
    found = []
    for line, item in read_examples(path, "conll", **options):  # type: ignore[arg-type]
        assert isinstance(item, Example), item
        assert all(item.text[e.start : e.end] == e.text for e in item.entities)
        found.append((line, item.text, [(e.text, e.label) for e in item.entities]))
    return found


def test_conll_2003(tmp_path: Path) -> None:
    content = (
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n\n\n"
        "Peter NNP B-NP B-PER\nBlackburn NNP I-NP I-PER\n"
    )
    assert read(tmp_path / "x.txt", content) == [
        (3, "EU rejects German", [("EU", "ORG"), ("German", "MISC")]),
        (8, "Peter Blackburn", [("Peter Blackburn", "PER")]),
    ]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-X I-X B-X O", ["a b", "c"]),
        ("I-X I-X B-X O", ["a b", "c"]),  # IOB1
        ("B-X E-X S-X O", ["a b", "c"]),  # BIOES
        ("S-X S-X S-X O", ["a", "b", "c"]),
        ("B-X L-X U-X O", ["a b", "c"]),  # BILOU
        ("B-X M-X E-X O", ["a b c"]),  # BMES
        ("X X O X", ["a b", "d"]),  # IO
        ("I-X I-Y I-Y O", ["a", "b c"]),  # another type begins anew
        ("O I-X E-X I-X", ["b c", "d"]),
        ("B_X I_X O O", ["a b"]),
    ],
)
def test_label_schemes(tmp_path: Path, tags: str, expected: list[str]) -> None:
    content = "\n".join(f"{token} {tag}" for token, tag in zip("abcd", tags.split(), strict=True))
    ((_, text, entities),) = read(tmp_path / "x.bio", content)
    assert text == "a b c d"
    assert [mention for mention, _ in entities] == expected


def test_chinese_is_joined_without_blanks_also_where_a_sentence_is_latin(tmp_path: Path) -> None:
    content = "我 O\n用 O\n华 B-品牌\n为 I-品牌\n手 O\n机 O\n\ni B-产品\nP I-产品\nh I-产品\n"
    assert [text for _, text, _ in read(tmp_path / "x.txt", content)] == ["我用华为手机", "iPh"]
    assert read(tmp_path / "x.txt", content, layout=ColumnLayout(joiner=" "))[0][1] == "我 用 华 为 手 机"


def test_any_column_layout(tmp_path: Path) -> None:
    content = "B-PER\t1\tAnn Lee\tNNP\nO\t2\tsang\tVBD\n"
    layout = ColumnLayout(token=2, tag=0)
    assert read(tmp_path / "x.tsv", content, layout=layout) == [(1, "Ann Lee sang", [("Ann Lee", "PER")])]
    content = "Ann|B-full name\nsang|O\n"
    assert read(tmp_path / "x.txt", content, layout=ColumnLayout(separator="|"))[0][2] == [("Ann", "full name")]


def test_comments_are_told_from_tokens(tmp_path: Path) -> None:
    content = "# sent_id = 12\n# newdoc\n# O\nhash O\n\n#tag B-topic\n# O\n"
    assert [(line, text) for line, text, _ in read(tmp_path / "x.conll", content)] == [
        (3, "# hash"),
        (6, "#tag #"),
    ]


def test_a_broken_sentence_is_told_at_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("Ann B-PER\nsang\nloudly O\n\nBob B-PER\n", "utf-8")
    (line, error), (_, sound) = read_examples(path)
    assert (line, isinstance(error, DataError)) == (2, True)
    assert "'sang' has 1 columns" in str(error)
    assert isinstance(sound, Example)
    path.write_text("中 O\n  O\n国 O\n", "utf-8")
    ((line, error),) = read_examples(path, layout=ColumnLayout(separator=" "))
    assert "token 2 is empty" in str(error)


def test_real_sentences_survive(tmp_path: Path, shared_data: Path) -> None:
    """Texts of the data sets were joined from tokens, so all their flat entities must come back from CoNLL."""
    for name in ("conll04", "resume_zh"):
        with lzma.open(shared_data / "ner" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
            examples = [Example.from_dict(json.loads(line)) for line, _ in zip(file, range(300), strict=False)]
        write_examples(examples, tmp_path / "x.conll")
        back = [item for _, item in read_examples(tmp_path / "x.conll")]
        for example, read_again in zip(examples, back, strict=True):
            assert isinstance(read_again, Example)
            assert "".join(read_again.text.split()) == "".join(example.text.split())
            assert [("".join(e.text.split()), e.label) for e in read_again.entities] == [
                ("".join(e.text.split()), e.label) for e in example.entities
            ]
