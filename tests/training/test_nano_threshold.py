"""The answer that there is nothing, made less likely by the weights alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError
from ranit_training.calibration.finding import read_sets
from ranit_training.nano.model import read_model
from ranit_training.nano.threshold import lower_logit, question_states

TEXTS = [
    ("Ada met Charles in Bath.", "Ada", "person"),
    ("Rain fell on Oslo.", "Oslo", "city"),
    ("Bo sings.", "Bo", "person"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    rows = [
        {
            "id": text,
            "split": "test",
            "text": text,
            "entities": [{"start": text.index(word), "end": text.index(word) + len(word), "label": label}],
            "domain": "",
            "lang": "en",
        }
        for text, word, label in TEXTS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_the_logit_of_nothing_falls_behind_questions_and_the_others_stay(data: Path) -> None:
    model = read_model(embedded_model()).eval()
    states, token = question_states(model, read_sets([data]))
    assert states.shape == (6, 512), "two types of each text"
    assert token == 506
    before = states @ model.lm_head.weight.T
    spread = lower_logit(model, states, token, 2.0)
    change = (states @ model.lm_head.weight.T - before).detach()
    assert change[:, token] == pytest.approx(torch.full((6,), -2.0), abs=0.1)
    assert spread < 0.1
    change[:, token] = 0
    assert change.abs().max() == 0


def test_texts_that_do_not_fit_are_an_error(data: Path) -> None:
    model = read_model(embedded_model()).eval()
    long = json.loads(data.read_text("utf-8").splitlines()[0])
    long["text"] += " It rained." * 2000
    data.write_text(json.dumps(long) + "\n", "utf-8")
    with pytest.raises(DataError, match="no text"):
        question_states(model, read_sets([data]))
