"""The conversations that UniversalNER and RA-IT publish become examples, and examples become such conversations."""

from __future__ import annotations

import gzip
import json
from itertools import groupby
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ranit_rag.errors import DataError
from ranit_rag.stores.formats import read_examples, write_examples
from ranit_rag.types import Example


def said(*turns: str) -> dict[str, object]:
    return {"conversations": [{"from": "gpt" if i % 2 else "human", "value": turn} for i, turn in enumerate(turns)]}


def read(path: Path, records: list[object]) -> list[tuple[int, Example | DataError]]:
    path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), "utf-8")
    return list(read_examples(path))


def spans(example: object) -> set[tuple[int, int, str]]:
    assert isinstance(example, Example), example
    return {(e.start, e.end, e.label) for e in example.entities}


def test_all_wordings_are_understood(tmp_path: Path) -> None:
    records: list[object] = [
        said("Text: Ann met Ann.", "I've read this text.", "What describes person in the text?", '["Ann"]'),
        said("Text: Bob ran.", "I’ve read this text", 'What describes "a person" in the text?', '["Bob"]'),
        said(
            "Here are some examples of named entity recognition:\nText: X\nEntity: []", "I've read these examples.",
            "Text: Cid sat.", "I've read this text.", "What describes person in the text?", "[]",
        ),
        said(
            "文本： 张三在北京。\n", "我已读完这段文本。",
            '文本中属于"人名"的实体有哪些？', '["张三"]', '文本中属于"地名"的实体有哪些？', '["北京"]',
        ),
        {"messages": [{"role": role, "content": content} for role, content in (
            ("system", "…"), ("user", "Text: Dan."), ("assistant", "ok"),
        )]},
    ]  # fmt: skip
    found = [example for _, example in read(tmp_path / "x.jsonl", records)]
    assert spans(found[0]) == {(0, 3, "person"), (8, 11, "person")}
    assert spans(found[1]) == {(0, 3, "a person")}
    assert (found[2].text, spans(found[2])) == ("Cid sat.", set())  # type: ignore[union-attr]
    assert spans(found[3]) == {(0, 2, "人名"), (3, 5, "地名")}
    assert found[4].text == "Dan."  # type: ignore[union-attr]


def test_conversations_about_one_text_make_one_example(tmp_path: Path) -> None:
    text = ("Text: Ann went to Rome.", "I've read this text.")
    records: list[object] = [
        said(*text, "What describes person in the text?", '["Ann"]'),
        said(*text, "What describes city in the text?", '["Rome"]'),
        said("Text: Bob.", "I've read this text.", "What describes city in the text?", "[]"),
    ]
    found = read(tmp_path / "x.jsonl", records)
    assert [line for line, _ in found] == [1, 3]
    assert spans(found[0][1]) == {(0, 3, "person"), (12, 16, "city")}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    records: list[object] = [
        said("Text: Ann.", "ok", "What describes person in the text?", '["Eve"]'),
        said("Text: Ann.", "ok", "What describes person in the text?", "I do not know"),
        said("Text: Ann.", "ok", "Tell me a joke.", "No"),
        said("Hello", "ok"),
        said("Text: Ann."),
        {"text": "no conversation"},
        [1],
    ]
    found = read(tmp_path / "x.jsonl", [*records, said("Text: Ann.", "ok")])
    reasons = [str(error) for _, error in found[:-1]]
    parts = ["'Eve' (person)", "not a list of mentions", "joke", "Hello", "take turns", "no conversation", "list"]
    assert [part in reason for part, reason in zip(parts, reasons, strict=True)] == [True] * 7
    assert isinstance(found[-1][1], Example)


@given(
    st.lists(st.tuples(st.text("ab\"]\\'北京 ", min_size=1, max_size=6).filter(str.strip), st.booleans()), max_size=4)
)
@settings(max_examples=40, deadline=None)
def test_written_conversations_read_as_the_same_examples(tmp_path_factory, mentions) -> None:
    text = " | ".join(mention.strip() for mention, _ in mentions) or "nothing"
    annotation = {label: [m.strip() for m, first in mentions if first is (label == "one")] for label in ("one", "two")}
    example = Example.from_mentions(text, annotation)
    path = tmp_path_factory.mktemp("sharegpt") / "x.jsonl"
    write_examples([example], path, "sharegpt")
    ((_, back),) = read_examples(path)
    assert isinstance(back, Example)
    assert back.text == text
    assert {(e.text, e.label) for e in back.entities} == {(e.text, e.label) for e in example.entities}


def test_the_published_conversations_are_read(shared_data: Path, tmp_path: Path) -> None:
    reference = shared_data / "reference"
    found = list(read_examples(reference / "universalner" / "CrossNER_AI.json.gz"))
    assert len(found) == 431
    assert sum(isinstance(item, DataError) for _, item in found) <= 4
    with gzip.open(reference / "boson" / "benchmark_it_data__test_text.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [text for text, _ in groupby(json.loads(line)["text"].strip() for line in file)]
    name = "benchmark_it_data_rag__outdomain__test_w_NN_2_skygpt3.5_5k_random_42_GTElargeEmb_text.json.gz"
    read_texts = [item.text for _, item in read_examples(reference / "boson" / name) if isinstance(item, Example)]
    assert texts == read_texts
