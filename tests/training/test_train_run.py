"""Runs: what is wrong is said before any work, a killed run goes on, and the engine loads what comes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError, InputError, ProfileError
from ranit_rag.types import Example
from ranit_training.conversations import Asking, load_profiles
from ranit_training.data_sets import Output, make_training_set
from ranit_training.merge import merge
from ranit_training.nano.config import ShapeConfig
from ranit_training.nano.pretrain import new_model, save
from ranit_training.sft import SftConfig, dry_run, train
from ranit_training.sft.watching import read_metrics
from ranit_training.showing import Records

SMALL = ShapeConfig(hidden=64, layers=2, inner=96, heads=2, key_value_heads=1, head_size=32, context=512)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights and the embedded model's tokenizer."""
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("base")
    save(new_model(SMALL, 16_384), path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    records = folder / "records.jsonl"
    names = ["Ada", "Bo", "Cy", "Dee", "Eva", "Fay", "Gus", "Hal"]
    with records.open("w", encoding="utf-8") as stream:
        for i in range(64):
            name, city = names[i % 8], f"Town{i}"
            example = Example.from_mentions(
                f"{name} went to {city} on day {i}.", {"person": [name], "city": [city]}, language="en"
            )
            stream.write(json.dumps(example.to_dict()) + "\n")
    out = folder / "conversations.jsonl"
    make_training_set(Records((records,)), Output(out), Asking(load_profiles(["nano-en.v1"])))
    return out


def config(data: Path, output: Path, base: Path, **given: object) -> SftConfig:
    settings = {"steps": 6, "batch_size": 4, "max_length": 256, "device": "cpu", "log_every": 1, "evaluate_every": 3}
    return SftConfig(**{"data": (data,), "output": output, "model": str(base), **settings, **given})  # type: ignore[arg-type]


def test_a_run_lowers_the_loss_and_its_merged_model_answers(data: Path, base: Path, tmp_path: Path) -> None:
    from ranit_rag.engines.transformers import TransformersEngine
    from ranit_rag.prompts import load_profile
    from ranit_rag.types import EntityType

    trained = train(config(data, tmp_path / "run", base, steps=20, learning_rate=5e-3))
    losses = [point["loss"] for point in read_metrics(tmp_path / "run") if "loss" in point]
    assert len(losses) == trained.steps == 20
    assert sum(losses[-3:]) < sum(losses[:3])
    assert (tmp_path / "run" / "loss.svg").stat().st_size
    checkpoint = merge(tmp_path / "run", tmp_path / "merged", license_id="Apache-2.0")
    card = json.loads((checkpoint / "ranit.json").read_text("utf-8"))
    assert card["profiles"]["en"].startswith("nano-en.v1@")
    assert card["data"][0]["sha256"]
    engine = TransformersEngine(checkpoint, device="cpu")
    assert engine.info.profiles == card["profiles"]
    asked = load_profile("nano-en.v1").conversation("Ada met Bo.", [EntityType("person")], source="Ada met Bo.")
    assert engine.generate([asked], max_tokens=8)[0].error is None


def test_full_fine_tuning_keeps_the_best_checkpoint(data: Path, base: Path, tmp_path: Path) -> None:
    trained = train(config(data, tmp_path / "run", base, method="full", batching="flat", learning_rate=1e-3))
    assert trained.best == min(p["eval_loss"] for p in read_metrics(tmp_path / "run") if "eval_loss" in p)
    assert (merge(tmp_path / "run", tmp_path / "merged") / "model.safetensors").is_file()


def test_what_is_wrong_is_said_before_any_work(data: Path, base: Path, tmp_path: Path) -> None:
    broken, empty = tmp_path / "broken.jsonl", tmp_path / "empty.jsonl"
    broken.write_text('{"conversations": [{"from": "gpt", "value": "x"}]}\n', "utf-8")
    empty.write_text("", "utf-8")
    with pytest.raises(DataError, match=r"1 of 1 conversations are broken: .*broken.jsonl:1"):
        dry_run(config(broken, tmp_path / "a", base))
    with pytest.raises(DataError, match="no conversation"):
        dry_run(config(empty, tmp_path / "b", base))
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


def test_a_full_disk_is_told(data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(DataError, match="of disk space"):
        dry_run(config(data, tmp_path / "run", base))


def test_a_run_goes_on_only_from_its_own_base_data_and_settings(data: Path, base: Path, tmp_path: Path) -> None:
    import torch

    run = tmp_path / "run"
    train(config(data, run, base, steps=2, evaluate_every=1))
    with pytest.raises(InputError, match="holds a run already"):
        train(config(data, run, base, steps=2, evaluate_every=1))
    with pytest.raises(InputError, match="learning_rate was 5e-05"):
        train(config(data, run, base, steps=2, evaluate_every=1, resume=True, learning_rate=1e-3))
    torch.manual_seed(9)
    other = tmp_path / "other"
    save(new_model(SMALL, 16_384), other)
    with pytest.raises(DataError, match="were trained from"):
        train(config(data, run, other, steps=2, evaluate_every=1, resume=True))
    with pytest.raises(DataError, match="is not the base"):
        merge(run, tmp_path / "merged", base=str(other))


def command(data: Path, run: Path, base: Path, *options: str) -> list[str]:
    given = ["--data", str(data), "-o", str(run), "--model", str(base), "--device", "cpu", "--max-length", "256"]
    rest = [
        "--steps",
        "24",
        "--batch-size",
        "4",
        "--log-every",
        "1",
        "--evaluate-every",
        "4",
        "--learning-rate",
        "0.005",
    ]
    return ["-m", "ranit_rag", "train", *given, *rest, *options]


def last_loss(run: Path) -> float:
    return [point["loss"] for point in read_metrics(run) if "loss" in point][-1]


def test_a_killed_run_goes_on_to_the_same_loss(data: Path, base: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([sys.executable, *command(data, whole, base)], check=True, capture_output=True)
    process = subprocess.Popen([sys.executable, *command(data, killed, base)], stderr=subprocess.DEVNULL)
    while not list(killed.glob("checkpoints/checkpoint-*/trainer_state.json")) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([sys.executable, *command(data, killed, base, "--resume")], check=True, capture_output=True)
    assert [point["step"] for point in read_metrics(killed) if "loss" in point] == list(range(1, 25))
    assert last_loss(killed) == pytest.approx(last_loss(whole), rel=0.01)


def test_two_processes_learn_as_one(data: Path, base: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    subprocess.run([sys.executable, *command(data, one, base)], check=True, capture_output=True)
    launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--mixed_precision", "no"]
    subprocess.run([sys.executable, *launch, *command(data, two, base)], check=True, capture_output=True)
    losses = [[point["loss"] for point in read_metrics(run) if "loss" in point] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
