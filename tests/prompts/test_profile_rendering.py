"""What the model reads: every turn of the bundled profiles, and that content never becomes template."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import ProfileError
from ranit_rag.prompts import Message, load_profile, profile_names
from ranit_rag.types import Entity, EntityType, Example, entity_types

ASPIRIN = Example.from_mentions("Aspirin eased her migraine.", {"drug": ["Aspirin"], "disease": ["migraine"]})
NORVASC = Example.from_mentions("Norvasc lowers it, Norvasc does.", {"drug": ["Norvasc"]})
anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too


def turns(name: str, text: str, types: object, examples: tuple[Example, ...] = ()) -> list[tuple[str, str]]:
    conversation = load_profile(name).conversation(text, entity_types(types), examples)
    return [(message.role, message.content) for message in conversation.messages(conversation.queries[0])]


def test_ra_it_english_reads_as_in_its_training_data() -> None:
    assert turns("ra-it-en.v1", "Ibuprofen helped.", ["drug"], (ASPIRIN, NORVASC)) == [
        ("system", "You are a helpful assistant."),
        (
            "user",
            "Here are some examples of named entity recognition:\n"
            "Text: Aspirin eased her migraine.\nEntity: [{'Aspirin': 'drug'}, {'migraine': 'disease'}]\n"
            "Text: Norvasc lowers it, Norvasc does.\nEntity: [{'Norvasc': 'drug'}]",
        ),
        ("assistant", "I've read these examples."),
        ("user", "Text: Ibuprofen helped."),
        ("assistant", "I've read this text."),
        ("user", "What describes drug in the text?"),
    ]


def test_nano_chinese_has_no_system_turn_and_shows_the_nearest_example_last() -> None:
    near = Example.from_mentions("他服用阿司匹林。", {"药物": ["阿司匹林"]})
    far = Example.from_mentions("她去了北京。", {"地名": ["北京"]})
    assert turns("nano-zh.v1", "她服用布洛芬。", ["药物"], (near, far)) == [
        (
            "user",
            "以下是一些命名实体识别的例子：\n文本：她去了北京。\n实体：[{'北京': '地名'}]\n"
            "文本：他服用阿司匹林。\n实体：[{'阿司匹林': '药物'}]",
        ),
        ("assistant", "我已读完这些例子。"),
        ("user", "文本：她服用布洛芬。"),
        ("assistant", "我已读完这段文本。"),
        ("user", '文本中属于"药物"的实体有哪些？'),
    ]


def test_uniner_has_its_own_system_line() -> None:
    assert turns("uniner.v1", "x", ["drug"])[0] == (
        "system",
        "A virtual assistant answers questions from a user based on the provided text.",
    )


def test_json_asks_all_types_in_one_query_and_shows_examples_in_the_form_of_the_answer() -> None:
    types = {"drug": "a chemical that treats a disease", 'the "thing"': ""}
    conversation = load_profile("json.v1").conversation("Ibuprofen helped.", entity_types(types), (ASPIRIN,))
    (query,) = conversation.queries
    assert conversation.form == "object"
    assert query.types == ("drug", 'the "thing"')
    assert '- drug: a chemical that treats a disease\n- the "thing"\n' in query.content
    assert json.loads(query.content.rpartition("\n")[2]) == {"drug": [], 'the "thing"': []}
    examples = conversation.prefix[1].content
    assert examples.endswith('</example>\n{"drug": ["Aspirin"], "disease": ["migraine"]}')


def test_without_examples_there_is_no_example_turn() -> None:
    for name in profile_names():
        roles = [role for role, _ in turns(name, "x", ["drug"]) if role != "system"]
        assert roles == ["user", "assistant", "user"]


def test_one_query_for_each_type_shares_the_prefix() -> None:
    conversation = load_profile("nano-en.v1").conversation("x", entity_types(["drug", "disease"]), source="x")
    assert [query.types for query in conversation.queries] == [("drug",), ("disease",)]
    assert conversation.source == "x"
    assert conversation.form == "list"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("ra-it-en.v1", "What describes drug (a medicine) in the text?"),
        ("ra-it-zh.v1", '文本中属于"drug（a medicine）"的实体有哪些？'),
    ],
)
def test_a_definition_stands_in_the_query_and_the_type_keeps_its_name(name: str, written: str) -> None:
    (query,) = load_profile(name).conversation("x", [EntityType("drug", "a medicine")]).queries
    assert query.content == written
    assert query.types == ("drug",)


def test_a_mention_that_occurs_often_is_shown_once_and_types_of_one_mention_all_are() -> None:
    text = "Paris, Paris"
    entities = (Entity("Paris", "city", 0, 5), Entity("Paris", "person", 0, 5), Entity("Paris", "city", 7, 12))
    (_, examples, *_) = turns("ra-it-en.v1", "x", ["city"], (Example(text, entities),))
    assert examples[1].endswith("Entity: [{'Paris': 'city'}, {'Paris': 'person'}]")
    (_, examples, *_) = turns("json.v1", "x", ["city"], (Example(text, entities),))
    assert examples[1].endswith('{"city": ["Paris"], "person": ["Paris"]}')


@pytest.mark.parametrize("name", profile_names())
def test_braces_in_text_and_types_are_content(name: str) -> None:
    hostile = "{text} {type} {types} {items} {entities} {name} {0} {} {{x}}"
    example = Example(hostile, (Entity("{text}", "{type}", 0, 6),))
    contents = [content for _, content in turns(name, hostile, {hostile: hostile}, (example,))]
    assert sum(content.count(hostile) for content in contents) >= 4  # example, text, name and definition


@pytest.mark.parametrize("name", profile_names())
@given(text=anything, kind=anything, mention=anything.filter(bool))
def test_any_content_is_rendered_and_stands_unchanged(name: str, text: str, kind: str, mention: str) -> None:
    example = Example(mention, (Entity(mention, kind, 0, len(mention)),))
    conversation = load_profile(name).conversation(text, [EntityType(kind)], (example,))
    examples, text_turn = (message.content for message in conversation.prefix if message.role == "user")
    assert text in text_turn
    assert mention in examples
    if conversation.form == "list":
        assert examples.endswith(repr([{mention: kind}]))
        assert kind in conversation.queries[0].content


GOLDEN = {
    "json.v1": "b28d6d601e58",
    "nano-en.v1": "975038065f83",
    "nano-zh.v1": "2d285f3cb5b8",
    "ra-it-en.v1": "2738d1543e53",
    "ra-it-zh.v1": "e599ef15aada",
    "uniner.v1": "e90fa61e1401",
}


def test_the_wording_of_a_released_profile_does_not_change() -> None:
    """A checkpoint records the hash. New wording is a new version: add a file, leave this one."""
    assert {name: load_profile(name).hash for name in profile_names()} == GOLDEN


def test_the_hash_covers_what_the_model_reads_and_nothing_else() -> None:
    profile = load_profile("ra-it-en.v1")
    assert replace(profile, name="other.v1", language="any").hash == profile.hash
    assert replace(profile, example_join="\n\n").hash != profile.hash
    assert replace(profile, example_order="nearest_last").hash != profile.hash
    assert profile.pin == f"ra-it-en.v1@{profile.hash}"


@pytest.mark.parametrize(
    "change",
    [
        {"language": "fr"},
        {"answer": "xml"},
        {"example_order": "random"},
        {"text_turn": "Text:"},
        {"query_turn": "What describes {types}?"},
        {"text_reply": ""},
    ],
)
def test_a_profile_that_would_ask_nonsense_cannot_be_made(change: dict[str, str]) -> None:
    with pytest.raises(ProfileError, match=rf"ra-it-en\.v1.*{next(iter(change))}") as caught:
        replace(load_profile("ra-it-en.v1"), **change)
    assert caught.value.hint


def test_messages_end_with_the_query() -> None:
    conversation = load_profile("nano-en.v1").conversation("x", entity_types(["drug"]))
    assert conversation.messages(conversation.queries[0])[-1] == Message("user", "What describes drug in the text?")
