"""Runs: what is wrong is said before any work, and the engine loads what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_runs import losses, write_base, write_conversations

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError, EngineError, InputError, ProfileError
from ranit_training.conversations import Asking, load_profiles
from ranit_training.data_sets import Output, make_training_set
from ranit_training.merge import merge
from ranit_training.sft import SftConfig, dry_run, train
from ranit_training.sft.watching import read_metrics
from ranit_training.showing import Records


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conversations(tmp_path_factory.mktemp("data"))


def config(data: Path, output: Path, base: Path, **given: object) -> SftConfig:
    settings = {"steps": 6, "batch_size": 4, "max_length": 256, "device": "cpu", "log_every": 1, "evaluate_every": 3}
    return SftConfig(**{"data": (data,), "output": output, "model": str(base), **settings, **given})  # type: ignore[arg-type]


def test_a_run_lowers_the_loss_and_its_merged_model_answers(data: Path, base: Path, tmp_path: Path) -> None:
    from ranit_rag.engines.transformers import TransformersEngine
    from ranit_rag.prompts import load_profile
    from ranit_rag.types import EntityType

    trained = train(config(data, tmp_path / "run", base, steps=20, learning_rate=5e-3))
    seen = losses(tmp_path / "run")
    assert len(seen) == trained.steps == 20
    assert sum(seen[-3:]) < sum(seen[:3])
    assert (tmp_path / "run" / "loss.svg").stat().st_size
    checkpoint = merge(tmp_path / "run", tmp_path / "merged", license_id="Apache-2.0")
    card = json.loads((checkpoint / "ranit.json").read_text("utf-8"))
    assert card["profiles"]["en"].startswith("nano-en.v1@")
    assert card["data"][0]["sha256"]
    engine = TransformersEngine(checkpoint, device="cpu")
    assert engine.info.profiles == card["profiles"]
    asked = load_profile("nano-en.v1").conversation("Ada met Bo.", [EntityType("person")], source="Ada met Bo.")
    assert engine.generate([asked], max_tokens=8)[0].error is None
    adapted = TransformersEngine(base, adapter=trained.result, device="cpu")
    assert adapted.generate([asked], max_tokens=8)[0].error is None
    another = write_base(tmp_path / "another", seed=1)
    with pytest.raises(EngineError, match="not on the model in"):
        TransformersEngine(another, adapter=trained.result, device="cpu")


def test_full_fine_tuning_keeps_the_best_checkpoint(data: Path, base: Path, tmp_path: Path) -> None:
    trained = train(config(data, tmp_path / "run", base, method="full", batching="flat", learning_rate=1e-3))
    assert trained.best == min(p["eval_loss"] for p in read_metrics(tmp_path / "run") if "eval_loss" in p)
    assert (merge(tmp_path / "run", tmp_path / "merged") / "model.safetensors").is_file()


def test_what_is_wrong_is_said_before_any_work(data: Path, base: Path, tmp_path: Path) -> None:
    broken, empty = tmp_path / "broken.jsonl", tmp_path / "empty.jsonl"
    broken.write_text('{"conversations": [{"from": "gpt", "value": "x"}]}\n\n{"conversations": [\n', "utf-8")
    empty.write_text("", "utf-8")
    with pytest.raises(
        DataError, match=r"2 of 2 conversations .*broken.jsonl:1: turn 1 .*broken.jsonl:3: the line is not JSON"
    ):
        dry_run(config(broken, tmp_path / "a", base))
    with pytest.raises(DataError, match="no conversation"):
        dry_run(config(empty, tmp_path / "b", base))
    bare = tmp_path / "bare.jsonl"
    turns = [{"from": "human", "value": "Who is Ada?"}, {"from": "gpt", "value": "A countess."}]
    bare.write_text(json.dumps({"conversations": turns}), "utf-8")
    with pytest.raises(DataError, match="none of 1 conversations asks about its text"):
        dry_run(config(bare, tmp_path / "f", base))
    with pytest.raises(DataError, match=r"none of \d+ conversations fits into 16 tokens"):
        dry_run(config(data, tmp_path / "g", base, max_length=16))
    with pytest.raises(DataError, match="fell into the share for validation"):
        dry_run(config(bare, tmp_path / "h", base, validation_share=0.9))
    with pytest.raises(DataError, match="there is no file"):
        dry_run(config(tmp_path / "none.jsonl", tmp_path / "c", base))
    with pytest.raises(InputError, match="made for 512 tokens"):
        dry_run(config(data, tmp_path / "d", base, max_length=1024))
    with pytest.raises(InputError, match="does not divide"):
        train(config(data, tmp_path / "e", base, batch_size=3, device_batch_size=2))


def test_data_in_another_wording_is_refused(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "conversations.jsonl"
    make_training_set(Records((data.parent / "records.jsonl",)), Output(other), Asking(load_profiles(["ra-it-en.v1"])))
    with pytest.raises(ProfileError, match=r"was trained with nano-en\.v1"):
        dry_run(config(other, tmp_path / "run", embedded_model()))


def test_a_run_goes_on_only_from_its_own_base_data_and_settings(data: Path, base: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(config(data, run, base, steps=2, evaluate_every=1))
    with pytest.raises(InputError, match="holds a run already"):
        train(config(data, run, base, steps=2, evaluate_every=1))
    with pytest.raises(InputError, match="learning_rate was 5e-05"):
        train(config(data, run, base, steps=2, evaluate_every=1, resume=True, learning_rate=1e-3))
    other = write_base(tmp_path / "other", seed=9)
    with pytest.raises(DataError, match="were trained from"):
        train(config(data, run, other, steps=2, evaluate_every=1, resume=True))
    with pytest.raises(DataError, match="is not the base"):
        merge(run, tmp_path / "merged", base=str(other))
