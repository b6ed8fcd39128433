"""What tests of training share: a base that learns in seconds, conversations, and the command that trains on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.types import Example
from ranit_training.conversations import Asking, load_profiles
from ranit_training.data_sets import Output, make_training_set
from ranit_training.sft.watching import read_metrics
from ranit_training.showing import Records

NAMES = ("Ada", "Bo", "Cy", "Dee", "Eva", "Fay", "Gus", "Hal")
STEPS = 24
SETTINGS = {
    "device": "cpu",
    "max-length": 256,
    "steps": STEPS,
    "batch-size": 4,
    "log-every": 1,
    "evaluate-every": 4,
    "learning-rate": 0.005,
}


def write_base(path: Path, seed: int = 0) -> Path:
    """A tiny Llama with random weights and the embedded model's tokenizer."""
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "max_position_embeddings": 512}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32}
    vocabulary = json.loads((embedded_model() / "config.json").read_text("utf-8"))["vocab_size"]
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, **shape, **heads, bos_token_id=None, eos_token_id=4, pad_token_id=0,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copyfile(embedded_model() / name, path / name)
    return path


def write_conversations(folder: Path, count: int = 64) -> Path:
    """``records.jsonl`` and conversations of it in the embedded model's wording."""
    records = folder / "records.jsonl"
    with records.open("w", encoding="utf-8") as stream:
        for number in range(count):
            name, city = NAMES[number % len(NAMES)], f"Town{number}"
            text = f"{name} went to {city} on day {number}."
            record = Example.from_mentions(text, {"person": [name], "city": [city]}, language="en")
            stream.write(json.dumps(record.to_dict()) + "\n")
    output = folder / "conversations.jsonl"
    make_training_set(Records((records,)), Output(output), Asking(load_profiles(["nano-en.v1"])))
    return output


def train_command(data: Path, run: Path, base: Path, *options: str) -> list[str]:
    """The arguments of ``python`` for a run of ``STEPS`` steps."""
    settings = [part for name, value in SETTINGS.items() for part in (f"--{name}", str(value))]
    return ["-m", "ranit_rag", "train", "--data", str(data), "-o", str(run), "--model", str(base), *settings, *options]


def losses(run: Path) -> list[float]:
    """The loss of each step."""
    return [point["loss"] for point in read_metrics(run) if "loss" in point]
