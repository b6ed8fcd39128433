"""A checkpoint that ``ranit merge`` wrote is one that vLLM serves, with the answers that transformers gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines.contract import CHINESE, ENGLISH, chinese, english, mentions

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.engines.vllm import VLLMEngine
from ranit_training.merge import merge
from ranit_training.sft.base import find_base
from ranit_training.sft.record import RunRecord


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with a LoRA adapter that changes every layer a little, merged from the record of a run."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    run = tmp_path_factory.mktemp("run")
    base = find_base(None)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base.directory, dtype=torch.float32)
    lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(model, lora)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=1e-3)
    adapted.save_pretrained(run / "adapter")
    config = {"lora_rank": 8, "lora_alpha": 16}
    record = RunRecord(
        base.name, str(base.directory), base.fingerprint, "lora", base.card.profiles, (), config, result={"steps": 1}
    )
    record.write(run)
    return merge(run, tmp_path_factory.mktemp("out") / "merged")


def test_vllm_answers_with_the_merged_weights_as_transformers_does(merged: Path) -> None:
    from safetensors.torch import load_file

    weights = [load_file(path / "model.safetensors") for path in (merged, embedded_model())]
    changed = [name for name, tensor in weights[0].items() if not tensor.equal(weights[1][name])]
    assert sum("proj" in name for name in changed) == sum("proj" in name for name in weights[0])

    asked = [english(ENGLISH), chinese(CHINESE, "地名"), english("Siemens sold Osram to Bain Capital.")]
    expected = TransformersEngine(merged, device="cpu").generate(asked)
    engine = VLLMEngine(merged, max_context=512, gpu_memory=0.2)
    found = engine.generate(asked)
    engine.close()
    assert engine.info.profiles == find_base(None).card.profiles
    assert any(mentions(result) for result in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.error is None
        assert mentions(ours) == mentions(theirs)
