"""Packs: if documents saw each other, a model would learn to copy from the neighbours that chance gave it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from ranit_training.sft.attention import DOCUMENTS, register

LENGTHS = (7, 1, 30, 12, 2)


def small_llama(attention: str) -> Any:
    register()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).eval()


def documents() -> list[list[int]]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(1, 97, (length,), generator=generator).tolist() for length in LENGTHS]


def packed(rows: list[list[int]]) -> dict[str, Any]:
    """One row as the trainer makes it of a pack."""
    pack = {"input_ids": [token for row in rows for token in row], "seq_lengths": [len(row) for row in rows]}
    batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)([pack])
    return {"use_cache": False, **{key: value for key, value in batch.items() if key != "labels"}}


@pytest.mark.parametrize("attention", [DOCUMENTS, "sdpa", "eager"])
def test_packed_logits_equal_those_of_each_document_alone(attention: str) -> None:
    model, rows = small_llama(attention), documents()
    with torch.no_grad():
        together = model(**packed(rows)).logits[0]
        alone = torch.cat([model(input_ids=torch.tensor([row])).logits[0] for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_gradients_of_a_pack_are_those_of_its_documents() -> None:
    model, rows = small_llama(DOCUMENTS), documents()
    model(**packed(rows)).logits.sin().sum().backward()
    together = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    for row in rows:
        model(input_ids=torch.tensor([row])).logits.sin().sum().backward()
    for name, weight in model.named_parameters():
        torch.testing.assert_close(together[name], weight.grad, rtol=1e-3, atol=1e-4, msg=name)


def test_a_changed_document_changes_no_other() -> None:
    model, rows = small_llama(DOCUMENTS), documents()
    changed = [rows[0], rows[1], [96] * len(rows[2]), rows[3], rows[4]]
    with torch.no_grad():
        before, after = (model(**packed(pack)).logits[0] for pack in (rows, changed))
    start, end = sum(LENGTHS[:2]), sum(LENGTHS[:3])
    assert torch.equal(before[:start], after[:start])
    assert torch.equal(before[end:], after[end:])
    assert not torch.equal(before[start:end], after[start:end])


def test_padded_batches_and_generation_take_the_usual_way() -> None:
    model, usual, rows = small_llama(DOCUMENTS), small_llama("sdpa"), documents()
    batch = DataCollatorForLanguageModeling(pad_token_id=0)([{"input_ids": row} for row in rows])
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    with torch.no_grad():
        torch.testing.assert_close(model(**inputs).logits, usual(**inputs).logits)
    prompt = torch.tensor([rows[2]])
    written = [m.generate(prompt, max_new_tokens=5, do_sample=False, pad_token_id=0) for m in (model, usual)]
    assert torch.equal(*written)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU for PyTorch's variable-length kernel")
def test_the_gpu_kernel_agrees() -> None:
    model, rows = small_llama(DOCUMENTS).to("cuda", torch.bfloat16), documents()
    exact = small_llama(DOCUMENTS).to(torch.bfloat16).float()
    batch = {key: value.to("cuda") if torch.is_tensor(value) else value for key, value in packed(rows).items()}
    fast = model(**batch).logits[0]
    with torch.no_grad():
        alone = torch.cat([exact(input_ids=torch.tensor([row])).logits[0] for row in rows])
    assert (fast.float().cpu() - alone).norm() / alone.norm() < 0.02
    fast.float().sin().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
