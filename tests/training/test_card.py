"""The model card tells what a checkpoint was made of, under which licence, and how well it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ranit_rag.engines.checkpoint import embedded_model
from ranit_training.card import model_card
from ranit_training.merge import base_license
from ranit_training.sft.record import DataFile, RunRecord

SOURCE = {"path": "/raw/ships.jsonl", "bytes": 5, "sha256": "5" * 64}
RECORD = RunRecord(
    base="meta-llama/Meta-Llama-3-8B-Instruct",
    base_path="/models/llama",
    base_fingerprint="0123456789ab",
    method="lora",
    profiles={"en": "ra-it-en.v1@abc", "zh": "ra-it-zh.v1@def"},
    data=(
        DataFile("/data/shown.jsonl", "a" * 64, ("ra-it-en.v1@abc",), {"kind": "augment", "strategy": "nn_bm25"}),
        DataFile("/data/plain.jsonl", "b" * 64, (), {"kind": "conversations", "inputs": [SOURCE, {"path": "hub/set"}]}),
        DataFile("/data/unknown.jsonl", "c" * 64),
    ),
    config={"method": "lora", "learning_rate": 5e-5, "steps": None, "seed": 42, "lora_rank": 8, "lora_alpha": 16},
    counts={"train": {"whole": 1200, "learned_tokens": 34567}},
    result={"steps": 20, "loss": 0.123456, "validation_loss": None},
)


def parts(card: str) -> tuple[dict[str, Any], str]:
    _, front, body = card.split("---\n", 2)
    return yaml.safe_load(front), body


def test_data_licence_and_numbers_stand_in_it() -> None:
    front, body = parts(model_card("ships", RECORD, "Apache-2.0", "| set | F1 |\n|---|---|\n| ships | 0.71 |\n"))
    assert front == {
        "license": "apache-2.0",
        "base_model": "meta-llama/Meta-Llama-3-8B-Instruct",
        "language": ["en", "zh"],
        "pipeline_tag": "text-generation",
        "tags": ["named-entity-recognition", "retrieval-augmented-instruction-tuning"],
    }
    for told in (
        'ner = Ranit("ships")',
        "| base | meta-llama/Meta-Llama-3-8B-Instruct (`0123456789ab`) |",
        "| prompts | `ra-it-en.v1@abc`, `ra-it-zh.v1@def` |",
        "| LoRA | rank 8, alpha 16 |",
        "| steps at the end | 20 |",
        "| loss at the end | 0.1235 |",
        "- `shown.jsonl` (sha256 `aaaaaaaaaaaaaaaa…`, augment, examples by `nn_bm25`)",
        "- `plain.jsonl` (sha256 `bbbbbbbbbbbbbbbb…`, conversations)",
        "  - from `ships.jsonl` (sha256 `5555555555555555…`)",
        "  - from `set`",
        "- `unknown.jsonl` (sha256 `cccccccccccccccc…`)",
        "Train: 1,200 whole, 34,567 learned tokens.",
        "| ships | 0.71 |",
        "The weights: Apache-2.0. The terms of the base and of the data hold as well.",
    ):
        assert f"\n{told}\n" in body, told
    assert "None" not in body
    assert "/data/" not in body, "folders of the machine are nobody's business"


def test_the_licence_of_the_base_is_told(tmp_path: Path) -> None:
    assert base_license(tmp_path) is None
    inherited = base_license(embedded_model())
    assert inherited == "CC-BY-NC-SA-4.0"
    _, body = parts(model_card("ships", RECORD, "Apache-2.0", None, base_license=inherited))
    assert "The terms of the base (CC-BY-NC-SA-4.0) and of the data hold as well." in body


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    front, body = parts(model_card("ships", replace(RECORD, profiles={}), None, None))
    assert (front["license"], front["language"]) == ("other", [])
    assert "| prompts | unknown |" in body
    assert "Not measured yet" in body
    assert "The licence of the weights was not stated." in body
