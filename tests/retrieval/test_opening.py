"""The seed stores: those of a language are there for its first text, all for whoever asks for the stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from worded_domains import HashedWords

from ranit_rag.config import Settings
from ranit_rag.errors import MissingExtraError
from ranit_rag.retrieval import opening
from ranit_rag.retrieval.opening import StoresAsConfigured
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.stores.seeds import SEED_LANGUAGES, seed_examples, seed_names
from ranit_rag.types import Decision, Example, entity_types

ENGLISH, CHINESE = "The patient was given metformin.", "患者服用了阿司匹林。"


@pytest.fixture(autouse=True)
def embedders(monkeypatch: pytest.MonkeyPatch) -> dict[str, HashedWords]:
    """Quick ones stand for those of the languages, here and where the retriever finds them by name."""
    made = {language: HashedWords(f"hashed-{language}") for language in SEED_LANGUAGES}
    by_name = {embedder.name: embedder for embedder in made.values()}
    monkeypatch.setattr(opening, "default_embedder", made.__getitem__)
    monkeypatch.setattr("ranit_rag.retrieval.retriever.load_embedder", by_name.__getitem__)
    return made


def configured(home: Path, **settings: object) -> StoresAsConfigured:
    return StoresAsConfigured(Settings(home=home, **settings), ask=str)  # type: ignore[arg-type]


def names(retriever: StoresAsConfigured, language: str) -> set[str]:
    opened = retriever.opened(language)
    assert isinstance(opened, StoreRetriever)
    return set(opened.stores.names())


def decide(retriever: StoresAsConfigured, text: str, language: str) -> Decision:
    return retriever.decide([text], entity_types(["drug" if language == "en" else "药物"]), language=language)[0]


def test_the_first_text_of_a_language_waits_for_the_stores_of_that_language_alone(tmp_path: Path) -> None:
    retriever = configured(tmp_path)
    assert names(retriever, "en") == set(seed_names(["en"]))
    assert names(retriever, "zh") == set(seed_names())
    assert set(configured(tmp_path / "other").stores.names()) == set(seed_names())


def test_decisions_do_not_depend_on_which_stores_were_built_before(tmp_path: Path) -> None:
    whole = configured(tmp_path / "whole")
    assert len(whole.stores.names()) == len(seed_names())
    first = configured(tmp_path / "first")
    for text, language in ((ENGLISH, "en"), (CHINESE, "zh")):
        assert decide(first, text, language) == decide(whole, text, language)


def test_a_store_that_is_deleted_stays_away(tmp_path: Path) -> None:
    configured(tmp_path).stores.delete("law")
    assert "law" not in configured(tmp_path).stores.names()
    assert names(configured(tmp_path), "en") == set(seed_names()) - {"law"}


def test_a_home_of_an_earlier_version_has_all_it_is_to_have(tmp_path: Path) -> None:
    (tmp_path / "seeds-built").write_text("law\n")
    assert configured(tmp_path).stores.names() == []


def test_seed_stores_of_another_version_of_the_embedded_model_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedders: dict[str, HashedWords]
) -> None:
    monkeypatch.setitem(embedders, "zh", HashedWords("ranit-nano-00000000"))
    before = configured(tmp_path)
    assert before.stores.names() == sorted(seed_names())
    before.stores.open("电商").add([Example("我自己的例子。", (), "电商", "zh")])
    before.stores.delete("金融")
    now = HashedWords("hashed-zh")
    monkeypatch.setitem(embedders, "zh", now)
    stores = configured(tmp_path).stores
    made_with = {name: stores.open(name).embedding.name for name in stores.names()}
    assert made_with["医疗"] == made_with["新闻"] == now.name
    assert len(stores.open("医疗")) == len(seed_examples("医疗"))
    assert made_with["电商"] == "ranit-nano-00000000", "it holds an example that is not ours to delete"
    assert "金融" not in made_with, "one that was deleted stays away"
    assert made_with["law"] == "hashed-en"


def test_a_domain_may_be_in_another_language_than_the_text(tmp_path: Path) -> None:
    decision = decide(configured(tmp_path, domain="医疗", judge="always"), ENGLISH, "en")
    assert decision.store == "医疗"


def test_stores_of_the_users_own_get_no_seeds(tmp_path: Path) -> None:
    assert names(configured(tmp_path, stores=str(tmp_path / "mine")), "en") == set()
    assert not list(tmp_path.glob("seeds-built*"))


def test_a_language_without_its_embedder_shows_no_examples_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedders: dict[str, HashedWords]
) -> None:
    def embedder(language: str) -> HashedWords:
        if language == "en":
            raise MissingExtraError("minilm is not installed", hint="pip install it")
        return embedders[language]

    monkeypatch.setattr(opening, "default_embedder", embedder)
    retriever = configured(tmp_path)
    assert decide(retriever, ENGLISH, "en") == Decision(
        "none", "no examples: minilm is not installed (pip install it)", types=()
    )
    assert decide(retriever, CHINESE, "zh").store is not None
