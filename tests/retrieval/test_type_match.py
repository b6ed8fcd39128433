"""Requested types are the strongest evidence for a store, unless anybody might ask them of any text."""

from __future__ import annotations

import pytest

from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.retrieval.signals import Space
from ranit_rag.retrieval.type_match import TypeSpace

NEWS = ("person", "organization", "location")
BIO = ("protein", "cell line", "enzyme")


@pytest.fixture(scope="module")
def english() -> TypeSpace:
    return TypeSpace(default_embedder("en"), "en")


@pytest.fixture(scope="module")
def chinese() -> TypeSpace:
    return TypeSpace(default_embedder("zh"), "zh")


def test_the_same_name_fits_wholly_whatever_its_case(english: TypeSpace) -> None:
    assert english.scores([("Protein", "ENZYME")], [BIO])[0, 0] == 1.0


def test_a_like_name_fits_better_than_another(english: TypeSpace) -> None:
    likeness = english.likeness(("company", "kinase", "weather"), ("organization", "protein"))
    assert likeness[0] > likeness[2]
    assert likeness[1] > likeness[2]
    assert likeness[2] < 0.05


def test_common_types_hardly_tell_stores_apart_and_specific_ones_do(english: TypeSpace) -> None:
    common, specific = english.scores([("person", "location"), ("enzyme", "protein")], [NEWS, BIO])
    assert common[0] == 1.0
    assert 0.9 <= common[1] < 1.0
    assert specific[1] == 1.0
    assert specific[0] < 0.2


def test_requests_are_of_a_kind() -> None:
    space = Space(default_embedder("en"), "en")
    assert space.kinds([(), ("person", "date"), ("enzyme", "protein")]) == ["untyped", "common", "specific"]


def test_chinese_names_are_compared_and_foreign_ones_say_nothing(chinese: TypeSpace) -> None:
    stores = [("疾病", "药物"), ("姓名", "职位")]
    assert chinese.scores([("药物",)], stores)[0].argmax() == 0
    assert chinese.telling(["drug", "药物"], stores) == ("药物",)
    assert chinese.telling(["drug"], [("drug", "疾病")]) == ("drug",)


def test_no_types_ask_for_nothing(english: TypeSpace) -> None:
    assert english.scores([()], [NEWS, BIO]).tolist() == [[0.0, 0.0]]
    assert english.scores([("protein",)], [()])[0, 0] < 0.5
