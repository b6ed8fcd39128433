"""What concerns vLLM in process alone: adapters, and models that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ranit_rag.engines.base import Engine
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.vllm import VLLMEngine
from ranit_rag.errors import ModelNotFoundError
from ranit_rag.prompts.conversation import Conversation, Message, Query

TEXT = "John Smith of Acme met Mary Jones in Berlin."
ASKED = Conversation((Message("user", f"Text: {TEXT}"),), (Query("What describes person in the text?", ("person",)),))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of random weights, strong enough to change every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(embedded_model())
    path = tmp_path_factory.mktemp("adapter")
    targets = ["q_proj", "v_proj", "down_proj"]
    get_peft_model(
        model, LoraConfig(r=4, lora_alpha=32, target_modules=targets, init_lora_weights=False)
    ).save_pretrained(path)
    return path


def test_an_adapter_is_what_answers(in_process: Engine, adapter: Path) -> None:
    adapted = VLLMEngine(adapter=adapter, max_context=256, gpu_memory=0.2)
    plain, changed = in_process.generate([ASKED])[0].answers[0], adapted.generate([ASKED])[0].answers[0]
    adapted.close()
    assert "Mary Jones" in json.loads(plain.text)
    assert changed.tokens != plain.tokens


def test_a_model_directory_that_does_not_exist_is_named() -> None:
    with pytest.raises(ModelNotFoundError, match="/no/such/model"):
        VLLMEngine("/no/such/model")


def test_an_adapter_directory_without_an_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="holds no LoRA adapter"):
        VLLMEngine(adapter=tmp_path)
