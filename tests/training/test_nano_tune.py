"""Tuning of the small model: what a query may see, what is learned, and a checkpoint that the engine loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ranit_rag import Ranit
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import DataError, InputError
from ranit_rag.prompts import Conversation, Message, Query
from ranit_training.nano import branches
from ranit_training.nano.branches import Branched, codes, encode_branched
from ranit_training.nano.config import RateConfig, ShapeConfig, TuneConfig, read_section
from ranit_training.nano.encode import encode, prompts, read_branched, write_branched
from ranit_training.nano.model import new_model, read_model, write_model
from ranit_training.nano.steps import IGNORED, plan_steps
from ranit_training.nano.tune import tune
from ranit_training.sft.dialogues import Dialogue, load_dialogues

PROMPTS = prompts()
SHAPE = ShapeConfig(hidden=64, layers=2, inner=128, heads=4, key_value_heads=2, head_size=16, context=512)
TEXTS = ["Ada met Charles.", "Aspirin eased her migraine.", "It rained in Paris.", "Bo sings."]


def dialogue(text: str, *asked: tuple[str, list[str]], examples: bool = False) -> Dialogue:
    turns = [("user", "Here are some examples of named entity recognition:\nText: Al sat.\nEntity: [{'Al': 'person'}]")]
    turns += [("assistant", "I've read these examples.")]
    turns = turns if examples else []
    turns += [("user", f"Text: {text}"), ("assistant", "I've read this text.")]
    for name, found in asked:
        turns += [("user", f"What describes {name} in the text?"), ("assistant", json.dumps(found))]
    return Dialogue(text, tuple(Message(role, words) for role, words in turns), examples)  # type: ignore[arg-type]


def encoded(*rows: Dialogue, longest: int = 256) -> list[Branched]:
    found = [encode_branched(row, PROMPTS, longest) for row in rows]
    assert all(row is not None for row in found)
    return [row for row in found if row is not None]


@pytest.fixture
def two() -> list[Branched]:
    first = dialogue(TEXTS[0], ("person", ["Ada", "Charles"]), ("city", []), ("drug", []), examples=True)
    return encoded(first, dialogue(TEXTS[1], ("drug", ["Aspirin"]), ("disease", ["migraine"])))


def tiny() -> Any:
    branches.register()
    torch.manual_seed(0)
    model = new_model(SHAPE)
    model.set_attn_implementation(branches.BRANCHES)
    return model.eval()


def test_a_query_reads_what_the_engine_sends_when_it_asks_it_alone(two: list[Branched]) -> None:
    one = two[0]
    turns = dialogue(TEXTS[0], ("person", []), examples=True).turns[:4]
    asked = PROMPTS.encode(Conversation(turns, (Query("What describes city in the text?", ("city",)),)))
    read = one.ids[(one.branches == 0) | ((one.branches == 2) & ~one.learned)]
    assert read.tolist() == [*asked.prefix, *asked.queries[0]]


def test_logits_in_a_pack_are_those_of_each_query_alone(two: list[Branched]) -> None:
    model = tiny()
    ids = torch.tensor(np.concatenate([one.ids for one in two]).astype(np.int64))[None]
    positions = torch.tensor(np.concatenate([one.positions for one in two]))[None]
    coded = torch.tensor(codes(two))[None]
    together = model(
        input_ids=ids, position_ids=positions, attention_mask=branches.dense_mask(coded), use_cache=False
    ).logits[0]
    start = 0
    for one in two:
        rows = together[start : start + len(one)]
        start += len(one)
        for branch in range(1, int(one.branches.max()) + 1):
            seen = (one.branches == 0) | (one.branches == branch)
            alone = torch.tensor(one.ids[seen].astype(np.int64))[None]
            causal = torch.ones(1, 1, alone.shape[1], alone.shape[1], dtype=torch.bool).tril()
            expected = model(input_ids=alone, attention_mask=causal, use_cache=False).logits[0]
            torch.testing.assert_close(rows[torch.tensor(seen)], expected, atol=1e-5, rtol=1e-4)


def test_answers_are_learned_and_nothing_else(two: list[Branched]) -> None:
    plan = plan_steps(two, batch=2, length=256, epochs=1, seed=0)
    batch = plan.batch(0)
    targets = batch.targets[batch.targets != IGNORED]
    answers = [one.ids[one.learned].tolist() for one in two]
    # Both fit into one row, the longer first.
    assert targets.tolist() == [token for answer in answers for token in answer]
    read = batch.ids.reshape(-1)
    learned = batch.places[batch.targets != IGNORED] + 1
    assert read[learned].tolist() == targets.tolist()
    assert PROMPTS.count_tokens('["Ada", "Charles"]') + 1 == sum(two[0].learned & (two[0].branches == 1))


def test_every_step_has_the_same_shape_and_every_conversation_its_turn() -> None:
    rows = encoded(*(dialogue(text * n, ("person", [])) for n in range(1, 6) for text in TEXTS))
    plan = plan_steps(rows, batch=4, length=128, epochs=2, seed=3)
    batches = [plan.batch(step) for step in range(len(plan.steps))]
    assert {batch.ids.shape for batch in batches} == {(plan.rows, 128)}
    for epoch in (plan.steps[:5], plan.steps[5:]):
        assert sorted(n for step in epoch for row in step for n in row) == list(range(20))
    assert plan.steps[:5] != plan.steps[5:]
    assert 0 < plan.filling <= 1
    assert plan_steps(rows, 4, 128, 2, 3).steps == plan.steps


def test_queries_that_do_not_fit_are_left_out() -> None:
    whole = dialogue(TEXTS[0], *((f"type {n}", ["Ada"]) for n in range(30)))
    (kept,) = encoded(whole, longest=128)
    assert len(kept) <= 128
    assert 1 <= kept.branches.max() < 30
    assert encode_branched(whole, PROMPTS, 10) is None
    with pytest.raises(DataError, match="less than a step"):
        plan_steps([kept], batch=2, length=128, epochs=1, seed=0)


def test_a_tuned_checkpoint_answers_as_it_was_taught(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    taught = [("name", ["Ada"], "Ada sings."), ("name", ["Bo"], "Bo sings."), ("name", [], "It sings.")] * 4
    with data.open("w") as stream:
        for text_type, found, text in taught:
            turns = dialogue(text, (text_type, found)).turns
            speakers = {"user": "human", "assistant": "gpt"}
            said = [{"from": speakers[turn.role], "value": turn.content} for turn in turns]
            stream.write(json.dumps({"id": text, "conversations": said}) + "\n")
    rate = RateConfig(peak=0.01, weight_decay=0.0, warmup=2, decay_from=0.5)
    config = TuneConfig(batch=4, length=128, epochs=20, rate=rate)
    write_model(tiny(), tmp_path / "base")
    write_branched(encode([data], config.length), tmp_path / "data.npz")
    rows = read_branched(tmp_path / "data.npz")
    assert len(rows) == len(list(load_dialogues([data]))) == 12
    assert [row.ids.tolist() for row in rows] == [row.ids.tolist() for row in encode([data], config.length)]
    model = read_model(tmp_path / "base")
    plan = plan_steps(rows, config.batch, config.length, config.epochs, config.seed)
    loss = tune(model, plan, config, log=tmp_path / "metrics.jsonl")
    points = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert points[0]["loss"] > 5 > 0.5 > points[-1]["loss"]
    assert loss < 0.5 * points[0]["loss"]
    write_model(model, tmp_path / "tuned")
    weights = sum(weight.numel() for weight in model.parameters())  # the tied output layer counts once
    assert (tmp_path / "tuned" / "model.safetensors").stat().st_size < 2 * weights + 10_000
    written, shipped = (
        json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "tuned", embedded_model())
    )
    assert shipped.keys() <= written.keys()  # transformers 4 reads other names of some than transformers 5
    assert (written["torch_dtype"], written["rope_theta"]) == ("bfloat16", 10_000.0)
    ner = Ranit(TransformersEngine(tmp_path / "tuned", device="cpu"), profile="nano-en.v1", judge="never")
    assert [e.text for e in ner.extract("Bo sings.", ["name"]).entities] == ["Bo"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="FlexAttention is trained on a GPU")
def test_the_gpu_sees_what_the_dense_mask_shows(two: list[Branched]) -> None:
    plan = plan_steps(two, batch=2, length=256, epochs=1, seed=0, rows=4)
    batch = plan.batch(0)
    model = tiny().cuda()
    coded = torch.from_numpy(batch.codes).cuda()
    ids, positions = torch.from_numpy(batch.ids).cuda(), torch.from_numpy(batch.positions).cuda()
    run = torch.compile(
        lambda mask: model.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False)[0],
        dynamic=False,
    )
    dense = model.model(
        input_ids=ids, position_ids=positions, attention_mask=branches.dense_mask(coded), use_cache=False
    )[0]
    used = torch.from_numpy(batch.codes != 0).cuda()
    torch.testing.assert_close(run(branches.block_mask(coded))[used], dense[used], atol=2e-2, rtol=2e-2)


def test_a_wrong_file_is_told_with_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("tune: {batch: 1, length: 2, epochs: 1, rate: {speed: 3}}")
    with pytest.raises(InputError, match=r"tune\.rate: unknown speed"):
        read_section(path, "tune", TuneConfig)
    with pytest.raises(InputError, match="no section 'pretrain'"):
        read_section(path, "pretrain", TuneConfig)
