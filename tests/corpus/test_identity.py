"""Rows of runs that differ in what answers depend on never mix in one folder: no setting is forgotten."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ranit_rag import Example, Ranit, Settings, open_stores
from ranit_rag.corpus.identity import run_identity
from ranit_rag.engines.base import EngineInfo
from ranit_rag.testing import ScriptedEngine

CHANGED: dict[str, Any] = {
    "judge": "never",
    "strategy": "diverse_nn",
    "k": 3,
    "domain": "medicine",
    "adapter": "adapter",
    "dtype": "bfloat16",
    "profile": "uniner.v1",
    "language": "zh",
    "grammar": False,
    "overlaps": "flat",
    "min_score": 0.5,
    "precedents": True,
    "max_output_tokens": 7,
}
# Where things are, how they are reached and how fast. Models and stores are known by what is in them.
PLACES = {"home", "stores", "tenant", "database", "stores_token", "engine", "model", "base_url", "api_key", "tokenizer"}
PACE = {"device", "batch_tokens", "timeout", "concurrency"}


class Named(ScriptedEngine):
    def __init__(self, model: str = "script") -> None:
        super().__init__({})
        self._info = EngineInfo("scripted", model, 4096, None)


def identity(engine: ScriptedEngine | None = None, **given: Any) -> dict[str, Any]:
    settings = Settings(**{"judge": "always", **given})
    ner = Ranit(engine or Named(), settings=settings, stores=open_stores(":memory:"))
    return run_identity(ner, {"drug": ""}, ())


def test_every_setting_is_thought_of() -> None:
    assert {*CHANGED, *PLACES, *PACE} == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", CHANGED)
def test_a_setting_that_changes_answers_makes_another_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    value = str(tmp_path) if name == "adapter" else CHANGED[name]
    assert identity(**{name: value}) != identity()


@pytest.mark.parametrize("name", ["base_url", "device", "batch_tokens", "timeout", "concurrency"])
def test_a_run_may_go_on_elsewhere_and_faster(name: str) -> None:
    assert identity(**{name: {"base_url": "http://other/v1", "device": "cpu"}.get(name, 99)}) == identity()


def test_another_model_types_or_examples_make_another_run() -> None:
    assert identity(Named("another")) != identity(Named())
    ner = Ranit(Named(), judge="never")
    example = Example.from_mentions("Take Aspirin.", {"drug": ["Aspirin"]})
    runs = [
        run_identity(ner, {"drug": ""}, ()),
        run_identity(ner, {"drug": "a medicine"}, ()),
        run_identity(ner, None, ()),
        run_identity(ner, {"drug": ""}, (example,)),
    ]
    assert all(runs.count(run) == 1 for run in runs)
