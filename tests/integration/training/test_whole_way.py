"""The whole way by its commands and one file: texts, annotation, conversations, examples, LoRA, merge, extraction."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engines.faulty_server import FaultyServer
from training.annotating import asked_text

from ranit_rag import Ranit
from ranit_training.layouts import read_rows
from ranit_training.sft.watching import read_metrics

TEXTS = 200
STEPS = 20
NAME = re.compile(r"(?:Dr|Captain) [A-Z][a-z]+")
SHIP = re.compile(r"the ([A-Z][a-z]+ (?:Star|Wind|Gull))")
SYLLABLES = ("ba", "re", "mo", "li", "tu", "sen", "dor", "vik", "an", "el")
SENTENCES = (
    "{name} left {ship} in the harbour of {place} and went home.",
    "Nobody saw {ship} again after {name} had sold her in {place}.",
    "Two crates for {place} were lost when {ship} ran aground, wrote {name}.",
    "According to {name}, {ship} was built in {place} before the war.",
    "At dawn {ship} sailed for {place}; {name} stood on the quay.",
    "The insurer in {place} asked {name} what {ship} had carried.",
)
RUN = """
annotate:
  sources: [{folder}/corpus.jsonl]
  output: {folder}/records.jsonl
  model: nano
  base-url: {url}
conversations:
  records: [{folder}/records.jsonl]
  output: {folder}/plain.jsonl
  profile: [nano-en.v1]
augment:
  records: [{folder}/records.jsonl]
  output: {folder}/shown.jsonl
  profile: [nano-en.v1]
  strategy: nn
train:
  data: [{folder}/shown.jsonl]
  output: {folder}/run
  method: lora
  learning-rate: 0.002
  steps: {steps}
  batch-size: 8
  device-batch-size: 8
  batching: flat
  max-length: 512
  gradient-checkpointing: false
  evaluate-every: 10
  log-every: 1
  device: cpu
merge:
  run: {folder}/run
  output: {folder}/merged
  license: Apache-2.0
"""


def write_corpus(path: Path) -> None:
    rng = random.Random(0)

    def made_up() -> str:
        return "".join(rng.sample(SYLLABLES, 2)).capitalize()

    with path.open("w", encoding="utf-8") as stream:
        for number in range(TEXTS):
            said = {
                "name": f"{rng.choice(['Dr', 'Captain'])} {made_up()}",
                "ship": f"the {made_up()} {rng.choice(['Star', 'Wind', 'Gull'])}",
                "place": made_up(),
            }
            stream.write(json.dumps({"text": SENTENCES[number % len(SENTENCES)].format(**said)}) + "\n")


def annotated(request: dict[str, Any]) -> str:
    """What a model would answer about a passage: its people, and its ships."""
    text = asked_text(request)
    pairs = [(name, "person") for name in NAME.findall(text)] + [(ship, "ship") for ship in SHIP.findall(text)]
    return json.dumps(pairs)


def ranit(*arguments: str) -> dict[str, Any]:
    """What a command printed, taken together."""
    command = [sys.executable, "-m", "ranit_rag", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {key: value for line in done.stdout.splitlines() for key, value in json.loads(line).items()}


@pytest.mark.timeout(900)
def test_from_raw_texts_to_a_checkpoint_that_extracts(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl")
    config = tmp_path / "run.yaml"
    with FaultyServer(answer=annotated) as server:
        config.write_text(RUN.format(folder=tmp_path, url=server.url, steps=STEPS))
        made = ranit("data", "annotate", "--config", str(config))
        assert made["asked"] == len(server.log) == TEXTS
    assert (made["records"], made["entities"]) == (TEXTS, 2 * TEXTS)

    plain = ranit("data", "conversations", "--config", str(config))
    shown = ranit("data", "augment", "--config", str(config))
    assert plain["conversations"] == shown["conversations"] == shown["with_2_examples"] == TEXTS
    for without, with_examples in zip(
        read_rows(tmp_path / "plain.jsonl"), read_rows(tmp_path / "shown.jsonl"), strict=True
    ):
        assert with_examples["conversations"][2:] == without["conversations"]

    trained = ranit("train", "--config", str(config))
    losses = [point["loss"] for point in read_metrics(tmp_path / "run") if "loss" in point]
    assert trained["steps"] == len(losses) == STEPS
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])

    ranit("merge", "--config", str(config))
    ner = Ranit(tmp_path / "merged")
    text = "At dawn the Relba Gull sailed for Doran; Captain Senmo stood on the quay."
    found = ner.extract(text, ["ship", "person"])
    assert [(entity.text, entity.label) for entity in found.entities] == [
        ("Relba Gull", "ship"),
        ("Captain Senmo", "person"),
    ]
