"""Benchmark files of UniversalNER and of the RA-IT authors, made again from the records that they were made of."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ranit_rag.types import Entity, Example
from ranit_training.benchmarks import benchmark_rows, benchmark_types
from ranit_training.conversations import load_profiles
from ranit_training.sources import load_records

Turns = list[dict[str, str]]
ITEM = re.compile(r"文本：(.*?)\n实体：(\[.*?\])(?=\n文本：|\Z)", re.DOTALL)
RA_IT_FILES = (
    "rag__outdomain__test_w_NN_2_skygpt3.5_5k_random_42_GTElargeEmb_text",
    "rag__outdomain__test_w_NN_bm25Rej_2_20_skygpt3.5_5k_random_42_GTElargeEmb_text",
    "rag__outdomain__test_w_diverseNN_2_128_skygpt3.5_5k_random_42_GTElargeEmb_text",
    "rag__outdomain__test_w_diverseNN_bm25Rej_2_128_20_skygpt3.5_5k_random_42_GTElargeEmb_text",
    "rag__outdomain__test_w_rand_examp_2_skygpt3.5_5k_random_42",
)


def reference(path: Path) -> list[Turns]:
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    return [record["conversations"] for record in read_json(path)]


def read_json(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def multiset(conversations: list[Turns]) -> Counter[str]:
    return Counter(json.dumps(turns) for turns in conversations)


@pytest.mark.parametrize("name", ["AI", "politics", "science"])
def test_universalners_benchmarks_come_out_of_crossner(shared_data: Path, name: str) -> None:
    """Byte for byte, but for three things of theirs: the types stand in a random order for each text, so conversations
    are compared as a multiset; JSON is written in ASCII; and their converter lost what ends a text without a full stop
    (six mentions), and the last sentence of CrossNER politics.
    """
    theirs = reference(shared_data / "reference" / "universalner" / f"CrossNER_{name}.json.gz")
    records = load_records([shared_data / "ner" / f"crossner_{name.lower()}.jsonl.xz"], split="test")
    found = [replace(r, entities=tuple(e for e in r.entities if e.end < len(r.text))) for r in records]
    found = found[:-1] if name == "politics" else found
    types = benchmark_types(records)
    types.pop("miscellaneous")
    if "programming language" in types:
        types["programming language"] = "program language"
    rows = benchmark_rows(((record, ()) for record in found), types, load_profiles(), repeats=True)
    ours = [row["conversations"] for row in rows]
    for turns in ours:
        turns[-1]["value"] = json.dumps(json.loads(turns[-1]["value"]))
    assert multiset(ours) == multiset(theirs)


def boson(folder: Path) -> tuple[list[Example], dict[str, str]]:
    path = folder / "benchmark_data__test.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    types = read_json(folder / "benchmark_data__abb2labelname.json.gz").values()
    return [example_of(row["sentence"], row["label"].items()) for row in read_lines(path)], {
        name: name for name in types
    }


def example_of(text: str, pairs: Any) -> Example:
    found = [(text.find(mention), mention, label) for mention, label in pairs]
    return Example(text, tuple(Entity(mention, label, at, at + len(mention)) for at, mention, label in found))


def compare(rows: Iterator[dict[str, Any]], theirs: list[Turns]) -> None:
    """Equal byte for byte, but for the one answer whose glued quotes hold a raw tab, which is no JSON."""
    ours = [row["conversations"] for row in rows]
    assert len(ours) == len(theirs) == 1074
    unlike = [(our, their) for our, their in zip(ours, theirs, strict=True) if our != their]
    for our, their in unlike:
        assert our[:-1] == their[:-1]
        assert json.loads(our[-1]["value"]) == json.loads(their[-1]["value"], strict=False)
        with pytest.raises(json.JSONDecodeError):
            json.loads(their[-1]["value"])
    assert len(unlike) == 1


def test_the_boson_benchmark_comes_out_of_its_records(shared_data: Path) -> None:
    folder = shared_data / "reference" / "boson"
    records, types = boson(folder)
    rows = benchmark_rows(((record, ()) for record in records), types, load_profiles())
    compare(rows, reference(folder / "benchmark_it_data__test.json.gz"))


def test_the_boson_benchmark_with_in_domain_examples_comes_out_of_its_records(shared_data: Path) -> None:
    """Which two of the pool are shown is read from the conversations, what they hold from the training split."""
    folder = shared_data / "reference" / "boson"
    records, types = boson(folder)
    train = {row["sentence"]: row["label"].items() for row in read_lines(folder / "benchmark_data__train.jsonl.gz")}
    name = "benchmark_it_data_rag__indomain__test_w_NN_2_train_8_random_42_GTElargeEmb_text"
    theirs = reference(folder / f"{name}.json.gz")
    texts = [[text for text, _ in ITEM.findall(turns[0]["value"])] for turns in theirs[:: len(types)]]
    shown = [[example_of(text, train[text]) for text in pair] for pair in texts]
    compare(benchmark_rows(zip(records, shown, strict=True), types, load_profiles()), theirs)


@pytest.mark.parametrize("name", RA_IT_FILES)
def test_the_boson_benchmarks_with_out_domain_examples(shared_data: Path, name: str) -> None:
    """Their out-domain pool is not at hand, so the shown examples are read from the conversations themselves."""
    folder = shared_data / "reference" / "boson"
    records, types = boson(folder)
    theirs = reference(folder / f"benchmark_it_data_{name}.json.gz")
    shown = []
    for turns in theirs[:: len(types)]:
        items = ITEM.findall(turns[0]["value"]) if len(turns) == 6 else []
        shown.append([example_of(t, [p for one in ast.literal_eval(e) for p in one.items()]) for t, e in items])
    compare(benchmark_rows(zip(records, shown, strict=True), types, load_profiles()), theirs)
