"""Answers: what is written is read back exactly, and what cannot be read is kept and reported."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from timing import within

from ranit_rag.prompts import ParsedAnswer, parse_answer, write_answer, write_object_answer

PEOPLE = ("person", "product name")
anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too
answerish = st.lists(
    st.sampled_from([*"[]{}\"':,\\ \n，：au0é😀", "null", "12", "\\u", "\\ud83d", "person", "text"])
).map("".join)


def read(answer: str, *, truncated: bool = False) -> ParsedAnswer:
    return parse_answer(answer, types=("person",), form="list", truncated=truncated)


def read_object(answer: str, *, truncated: bool = False) -> ParsedAnswer:
    return parse_answer(answer, types=PEOPLE, form="object", truncated=truncated)


def texts(parsed: ParsedAnswer) -> list[str]:
    return [mention.text for mention in parsed.mentions]


def labelled(parsed: ParsedAnswer) -> list[tuple[str, str]]:
    return [(mention.text, mention.label) for mention in parsed.mentions]


def test_answers_are_written_as_models_were_trained_on_them() -> None:
    assert write_answer([]) == "[]"
    assert write_answer(("阿司匹林", 'a "b"')) == '["阿司匹林", "a \\"b\\""]'
    assert write_object_answer({"药": ("甲",), "x": []}) == '{"药": ["甲"], "x": []}'


@given(st.lists(anything))
@example(
    ['say "hi"', "a]b", "back\\slash", "C:\\new", "line\nbreak", "😀", "\ud83d", "\ud83d\ude00", "', '", "\\u0041"]
)
def test_a_written_answer_is_read_back_exactly(mentions: list[str]) -> None:
    parsed = read(write_answer(mentions))
    assert texts(parsed) == [mention for mention in mentions if mention.strip()]
    assert (parsed.problem, parsed.rest) == (None, "")


@given(st.dictionaries(st.sampled_from(PEOPLE), st.lists(anything.filter(str.strip))))
def test_a_written_object_answer_is_read_back_exactly(mentions: dict[str, list[str]]) -> None:
    parsed = read_object(write_object_answer(mentions))
    assert labelled(parsed) == [(text, label) for label, items in mentions.items() for text in items]
    assert parsed.problem is None


@given(st.lists(anything.filter(str.strip)), st.booleans(), st.sampled_from([None, 1]))
def test_any_json_writer_is_understood(mentions: list[str], ascii_only: bool, indent: int | None) -> None:
    assert texts(read(json.dumps(mentions, ensure_ascii=ascii_only, indent=indent))) == json.loads(
        json.dumps(mentions, ensure_ascii=ascii_only)
    )


@given(anything | answerish, st.booleans(), st.sampled_from(["list", "object"]))
def test_no_answer_raises_and_silence_means_nothing_was_lost(answer: str, truncated: bool, form: str) -> None:
    for types in (("person",), PEOPLE, ()):
        parsed = parse_answer(answer, types=types, form=form, truncated=truncated)
        for mention in parsed.mentions:
            assert mention.label in types
            assert mention.text.strip()
        if parsed.problem is None:
            assert parsed.rest == ""
        if not any(bracket in answer for bracket in "[{"):
            assert parsed.rest == answer.strip()


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    for answer in (raw.decode("latin-1"), raw.decode("utf-8", "surrogateescape"), raw.decode("utf-8", "replace")):
        read(answer)
        read_object("{" + answer)


@given(st.lists(anything.filter(str.strip), min_size=1), st.sampled_from(["", "Sure:\n```json\n"]), st.booleans())
def test_a_mentions_position_is_the_content_of_its_string(mentions: list[str], before: str, ascii_only: bool) -> None:
    answer = before + json.dumps(mentions, ensure_ascii=ascii_only)
    for mention in read(answer).mentions:
        assert json.loads(f'"{answer[mention.start : mention.end]}"') == mention.text


@given(st.lists(anything), st.data())
def test_a_cut_answer_keeps_its_finished_strings(mentions: list[str], data: st.DataObject) -> None:
    answer = write_answer(mentions)
    cut = data.draw(st.integers(0, len(answer) - 1))
    parsed = read(answer[:cut], truncated=True)
    assert parsed.mentions == tuple(mention for mention in read(answer).mentions if mention.end < cut)
    assert parsed.problem == "truncated"


@pytest.mark.parametrize(
    ("answer", "mentions", "rest"),
    [
        ('["a", "b', ["a"], '"b'),
        ('["a", "b"', ["a", "b"], ""),
        ('["a", "b\\', ["a"], '"b\\'),
        ('["a", 201', ["a"], "201"),
        ('[{"text": "a"}, {"text": "b", "label": "pers', ["a"], '"text": "b"\n"pers'),
        ("The entities are", [], "The entities are"),
        ("", [], ""),
    ],
)
def test_what_a_cut_answer_left_over_is_returned(answer: str, mentions: list[str], rest: str) -> None:
    parsed = read(answer, truncated=True)
    assert (texts(parsed), parsed.problem, parsed.rest) == (mentions, "truncated", rest)


def test_an_answer_that_ends_before_the_limit_cut_it_is_whole() -> None:
    assert read('["a"]', truncated=True).problem is None
    assert read('["a"]\nText: and then', truncated=True).problem is None


@pytest.mark.parametrize(
    ("answer", "mentions"),
    [
        ('```json\n["a", "b"]\n```', ["a", "b"]),
        ('Here you are: ["a"]. I hope this helps!', ["a"]),
        ('<think>maybe ["x"]?</think>\n["a"]', ["a"]),
        ("['a', \"b's\", 'don\\'t', 'it''s']", ["a", "b's", "don't", "it''s"]),
        ('["a", "b",]', ["a", "b"]),
        ('["a", "b"', ["a", "b"]),
        ('["甲"，"乙"、"丙"]', ["甲", "乙", "丙"]),
        ('["the "best" one", "b"]', ['the "best" one', "b"]),
        ('["tab\there", "line\nbreak"]', ["tab\there", "line\nbreak"]),
        ("['\\xa0x', '\\d+']", ["\xa0x", "\\d+"]),
        ('[2024, -1.5, true, null, "", " "]', ["2024", "-1.5", "true"]),
        ('[{"text": "a", "start": 0, "end": 1}]', ["a"]),
        ('[{"a": "person"}, {"b": "Person"}]', ["a", "b"]),
        ('{"person": ["a"]}', ["a"]),
        ('{"entities": ["a", "b"]}', ["a", "b"]),
        ("[]", []),
        (" [ ] \n", []),
    ],
)
def test_unambiguous_variants_are_understood(answer: str, mentions: list[str]) -> None:
    parsed = read(answer)
    assert (texts(parsed), parsed.problem, parsed.rest) == (mentions, None, "")


@pytest.mark.parametrize(
    ("answer", "mentions", "rest"),
    [
        ("", [], ""),
        ("There are none.", [], "There are none."),
        ('"a", "b"', [], '"a", "b"'),
        ("[Aspirin, b]", [], "Aspirin\nb"),
        ('["a", ["b", "c"]]', ["a"], '["b", "c"]'),
        ('["a"] and ["b"]', ["a"], '["b"]'),
        ('{"place": ["b"]} ["a"]', ["a"], '{"place": ["b"]}'),
        ('[{"text": "a", "label": "place"}, "b"]', ["b"], '{"text": "a", "label": "place"}'),
        ('["a", "b', ["a"], '"b'),
    ],
)
def test_what_is_not_understood_is_returned(answer: str, mentions: list[str], rest: str) -> None:
    parsed = read(answer)
    assert (texts(parsed), parsed.problem, parsed.rest) == (mentions, "unparsable", rest)


@pytest.mark.parametrize(
    "answer",
    [
        '{"person": ["a"], "product name": ["b"]}',
        '{"Person": ["a"], "Product_Name": ["b"]}',
        '{"person": "a", "product name": [{"text": "b"}]}',
        '{"entities": [{"text": "a", "label": "person"}, {"text": "b", "type": "ProductName"}]}',
        '{"entities": {"person": ["a"], "product name": ["b"]}}',
        '[{"entity": "a", "type": "person", "score": 0.5}, {"name": "b", "entity_type": "product name"}]',
        '[{"person": ["a"]}, {"product name": ["b"]}]',
        "[{'a': 'person'}, {'b': 'product name'}]",
        'Found: {"person": ["a"], "product name": ["b"]}',
        "{'person': ['a',], 'product name': ['b'],}",
        '{"person"： ["a"]， "product name"： ["b"]',
    ],
)
def test_forms_of_an_object_answer_are_understood(answer: str) -> None:
    parsed = read_object(answer)
    assert labelled(parsed) == [("a", "person"), ("b", "product name")]
    assert (parsed.problem, parsed.rest) == (None, "")


@pytest.mark.parametrize(
    ("answer", "mentions", "rest"),
    [
        ('{"person": ["a"], "alien": ["c"]}', [("a", "person")], '"alien": ["c"]'),
        ('["a"]', [], '"a"'),
        ('{"person": null, "product name": ["b"]}', [("b", "product name")], None),
        ('{"text": "a", "label": "alien"}', [], '{"text": "a", "label": "alien"}'),
        ('{"person": {"first": ["a"]}}', [], '"first": ["a"]'),
        ('[person, x]: {"person": ["a"]}', [("a", "person")], "[person, x]"),
    ],
)
def test_unknown_types_are_reported_and_never_labels(answer: str, mentions: list[object], rest: str | None) -> None:
    parsed = read_object(answer)
    assert labelled(parsed) == mentions
    assert (parsed.problem, parsed.rest) == (("unparsable", rest) if rest else (None, ""))


def test_types_that_differ_in_case_alone_are_told_apart_and_never_guessed() -> None:
    parsed = parse_answer('{"US": ["a"], "us": ["b"], "Us": ["c"]}', types=("US", "us"), form="object", truncated=False)
    assert labelled(parsed) == [("a", "US"), ("b", "us")]
    assert parsed.rest == '"Us": ["c"]'


def test_a_type_may_be_called_like_a_key_of_a_record() -> None:
    parsed = parse_answer('{"name": ["a"], "type": "b"}', types=("name", "type"), form="object", truncated=False)
    assert labelled(parsed) == [("a", "name"), ("b", "type")]


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "{",
        "[]",
        "[],",
        '["',
        '"',
        '",',
        '"a",',
        "1,",
        '"" ',
        '" ',
        "\\",
        "\\u12",
        "\"'",
        '{"a":',
        '"a":1,',
        '{"text":1},',
        " ",
        "<think>",
    ],
)
@pytest.mark.parametrize("start", ["", "[", '["', "{"])
def test_a_hostile_megabyte_takes_less_than_a_second(start: str, piece: str) -> None:
    answer = start + piece * (MEGABYTE // len(piece))
    with within(2):
        for form in ("list", "object"):
            parsed = parse_answer(answer, types=PEOPLE[: 1 if form == "list" else 2], form=form, truncated=False)
            assert parsed.problem == "unparsable"


def test_a_long_answer_is_read_to_its_end() -> None:
    mentions = [f"mention {number}" for number in range(5_000)]
    assert texts(read(write_answer(mentions))) == mentions
