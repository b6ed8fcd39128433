"""Filters: what becomes of each pair that a model wrote."""

from __future__ import annotations

import pytest

from ranit_training.annotate.filters import build_record, clean_type, is_type, unwrap

TEXT = 'Marie Curie (born in Warsaw) wrote "Radioactive Substances". Curie met IBM staff in Warsaw.'


def kept(*pairs: tuple[str, str], text: str = TEXT) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in build_record(text, pairs)[0].entities]


def dropped(*pairs: tuple[str, str], text: str = TEXT) -> dict[str, int]:
    counts = build_record(text, pairs)[1]
    return {reason: n for reason, n in counts.items() if n and reason not in ("kept", "unwrapped")}


def test_every_place_of_a_mention_becomes_an_entity() -> None:
    record, counts = build_record(TEXT, [("Warsaw", "City"), ("Marie Curie", "Person")], source="a.txt:1")
    spans = [(e.start, e.text, e.label) for e in record.entities]
    assert spans == [(0, "Marie Curie", "person"), (21, "Warsaw", "city"), (84, "Warsaw", "city")]
    assert (record.language, record.source, counts["kept"]) == ("en", "a.txt:1", 2)


def test_nested_mentions_and_mentions_of_two_types_stay() -> None:
    pairs = [("Marie Curie", "person"), ("Curie", "surname"), ("Marie Curie", "scientist")]
    assert sorted(kept(*pairs))[:2] == [("Curie", "surname"), ("Curie", "surname")]
    assert {("Marie Curie", "person"), ("Marie Curie", "scientist")} <= set(kept(*pairs))


def test_each_loss_has_its_reason() -> None:
    pairs = [
        ("Pierre Curie", "person"),
        ("urie", "person"),
        ("...", "person"),
        ("Warsaw", "entity"),
        ("Warsaw", "the place where the person who wrote it was born"),
        ("Warsaw", "city"),
        ("Warsaw", "City"),
        ("x " * 21, "thing that is long"),
    ]
    assert dropped(*pairs) == {"ungrounded": 2, "blank": 1, "invalid_type": 2, "repeated": 1, "too_long": 1}


def test_a_mention_is_found_again_without_the_punctuation_around_it() -> None:
    record, counts = build_record(TEXT, [('"Radioactive Substances"', "book"), ("(born in Warsaw)", "event")])
    assert [e.text for e in record.entities] == ["born in Warsaw", "Radioactive Substances"]
    assert counts["unwrapped"] == 2


@pytest.mark.parametrize(
    ("mention", "bare"),
    [
        ("《红楼梦》", "红楼梦"), ("“Paris”,", "Paris"), ("[1]", "1"), ("《a》和《b》", "《a》和《b》"),
        ("U.S.", "U.S."), ("(a) and (b)", "(a) and (b)"), ("「【x】」", "x"), ('""', '""'), ("O'Hare", "O'Hare"),
    ],
)  # fmt: skip
def test_wrappings(mention: str, bare: str) -> None:
    assert unwrap(mention) == bare


def test_chinese_mentions_are_measured_in_characters() -> None:
    text = "国务院关于进一步优化营商环境更好服务市场主体的实施意见发布了。"
    assert dropped((text[:-1], "文件"), text=text) == {"too_long": 1}
    assert kept(("国务院", "机构"), text=text) == [("国务院", "机构")]


def test_types_are_names() -> None:
    assert [clean_type(kind) for kind in ("Medical_Condition", "DNA", '"Person"', " 人 名 ")] == [
        "medical condition", "DNA", "person", "人 名",
    ]  # fmt: skip
    assert not any(map(is_type, ["", "None", "entity", "其他", "123", "a b c d e f g", "x" * 41]))
    assert all(map(is_type, ["person", "人名", "COVID-19 vaccine"]))
