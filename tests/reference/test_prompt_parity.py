"""The conversations that the RA-IT authors' code and UniversalNER's evaluation wrote, rendered again byte for byte."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ranit_rag.prompts import Profile, load_profile, parse_answer
from ranit_rag.types import Entity, EntityType, Example

ROLES = {"user": "human", "assistant": "gpt"}
RA_IT_FILES = {
    "benchmark_it_data__test": {0: 1074},
    "benchmark_it_data_rag__indomain__test_w_NN_2_train_8_random_42_GTElargeEmb_text": {2: 1074},
    "benchmark_it_data_rag__outdomain__test_w_NN_2_skygpt3.5_5k_random_42_GTElargeEmb_text": {2: 1074},
    "benchmark_it_data_rag__outdomain__test_w_NN_bm25Rej_2_20_skygpt3.5_5k_random_42_GTElargeEmb_text": {
        0: 378,
        1: 354,
        2: 342,
    },
    "benchmark_it_data_rag__outdomain__test_w_diverseNN_2_128_skygpt3.5_5k_random_42_GTElargeEmb_text": {2: 1074},
    "benchmark_it_data_rag__outdomain__test_w_diverseNN_bm25Rej_2_128_20_skygpt3.5_5k_random_42_GTElargeEmb_text": {
        0: 726,
        1: 264,
        2: 84,
    },
    "benchmark_it_data_rag__outdomain__test_w_rand_examp_2_skygpt3.5_5k_random_42": {2: 1074},
}
ITEM = re.compile(r"文本：(.*?)\n实体：(\[.*?\])(?=\n文本：|\Z)", re.DOTALL)


def conversations(path: Path) -> Iterator[list[dict[str, str]]]:
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for record in json.load(file):
            yield record["conversations"]


def rendered(profile: Profile, text: str, kind: str, examples: list[Example]) -> list[dict[str, str]]:
    """The conversation as the reference stores it: without the system line, which the trainer adds."""
    conversation = profile.conversation(text, [EntityType(kind)], examples)
    messages = conversation.messages(conversation.queries[0])
    assert messages[0].role == "system"
    return [{"from": ROLES[message.role], "value": message.content} for message in messages[1:]]


def example_of(text: str, pairs: list[tuple[str, str]]) -> Example:
    entities = []
    for mention, label in pairs:
        start = text.find(mention)
        entities.append(Entity(mention, label, start, start + len(mention)))
    return Example(text, tuple(entities))


def shown_pairs(turn: str) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (text, [pair for one in ast.literal_eval(shown) for pair in one.items()]) for text, shown in ITEM.findall(turn)
    ]


@pytest.mark.parametrize("name", RA_IT_FILES)
def test_ra_it_zh_renders_the_authors_conversations(shared_data: Path, name: str) -> None:
    profile = load_profile("ra-it-zh.v1")
    counts: dict[int, int] = {}
    for turns in conversations(shared_data / "reference" / "boson" / f"{name}.json.gz"):
        shown = shown_pairs(turns[0]["value"]) if len(turns) == 6 else []
        text = turns[-4]["value"].removeprefix("文本： ")
        kind = turns[-2]["value"].removeprefix('文本中属于"').removesuffix('"的实体有哪些？')
        assert rendered(profile, text, kind, [example_of(*item) for item in shown]) == turns[:-1]
        counts[len(shown)] = counts.get(len(shown), 0) + 1
    assert counts == RA_IT_FILES[name]


def test_ra_it_zh_renders_in_domain_examples_from_the_annotated_records(shared_data: Path) -> None:
    """Texts and entities come from the training split and the file of test texts, not from the conversation itself."""
    folder = shared_data / "reference" / "boson"
    name = "benchmark_it_data_rag__indomain__test_w_NN_2_train_8_random_42_GTElargeEmb_text"
    train = {record["sentence"]: record["label"] for record in records(folder / "benchmark_data__train.jsonl.gz")}
    tests = [record["sentence"] for record in records(folder / "benchmark_data__test.jsonl.gz")]
    types = list(read_json(folder / "benchmark_data__abb2labelname.json.gz").values())
    profile = load_profile("ra-it-zh.v1")
    for number, turns in enumerate(conversations(folder / f"{name}.json.gz")):
        examples = [example_of(text, list(train[text].items())) for text, _ in shown_pairs(turns[0]["value"])]
        text, kind = tests[number // len(types)], types[number % len(types)]
        assert rendered(profile, text, kind, examples) == turns[:-1]


def records(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def read_json(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


@pytest.mark.parametrize("profile", ["ra-it-en.v1", "uniner.v1"])
@pytest.mark.parametrize("name", ["CrossNER_AI", "CrossNER_politics", "CrossNER_science"])
def test_english_profiles_render_universalners_conversations(shared_data: Path, name: str, profile: str) -> None:
    loaded = load_profile(profile)
    for turns in conversations(shared_data / "reference" / "universalner" / f"{name}.json.gz"):
        text = turns[0]["value"].removeprefix("Text: ")
        kind = turns[2]["value"].removeprefix("What describes ").removesuffix(" in the text?")
        assert rendered(loaded, text, kind, []) == turns[:-1]


@pytest.mark.parametrize("name", ["boson/benchmark_it_data__test", "universalner/CrossNER_science"])
def test_the_answers_of_the_reference_are_read_whole(shared_data: Path, name: str) -> None:
    for turns in conversations(shared_data / "reference" / f"{name}.json.gz"):
        answer = turns[-1]["value"]
        parsed = parse_answer(answer, types=("x",), form="list", truncated=False)
        assert parsed.problem is None
        assert [mention.text for mention in parsed.mentions] == json.loads(answer, strict=False)
