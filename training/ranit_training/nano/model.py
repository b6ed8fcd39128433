"""The small Llama: made, read and written."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import torch

from ranit_rag.engines.checkpoint import embedded_model
from ranit_training.nano import branches
from ranit_training.nano.config import ShapeConfig

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")


def new_model(shape: ShapeConfig) -> Any:
    """A Llama with random weights in float32; matrices that write to the residual stream start smaller."""
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary = int(json.loads((embedded_model() / "config.json").read_text("utf-8"))["vocab_size"])
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=shape.hidden,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_value_heads,
            head_dim=shape.head_size,
            max_position_embeddings=shape.context,
            rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=4,
            pad_token_id=0,
            attn_implementation="sdpa",
        )
    )
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            out = name.endswith(("o_proj.weight", "down_proj.weight"))
            std = 0.02 if "embed" in name else (0.5 if out else 0.7) / math.sqrt(weight.shape[1])
            torch.nn.init.normal_(weight, std=std)
    return model


def read_model(directory: Path) -> Any:
    """A checkpoint in float32, to be tuned on conversations with branches."""
    from transformers import AutoModelForCausalLM

    branches.register()
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation=branches.BRANCHES)


def write_model(model: Any, output: Path) -> None:
    """The checkpoint in bfloat16, with the embedded model's tokenizer. The model itself stays as it is."""
    # Weights are named once, by parameter: the output layer is the embedding, and needs no place of its own.
    half = {name: weight.detach().to(torch.bfloat16) for name, weight in model.named_parameters()}
    model.save_pretrained(output, state_dict=half)
    path = output / "config.json"
    config = json.loads(path.read_text("utf-8"))
    # Transformers 4 reads these.
    earlier = {"torch_dtype": "bfloat16", "rope_theta": config["rope_parameters"]["rope_theta"]}
    path.write_text(json.dumps(config | earlier | {"dtype": "bfloat16"}, indent=2) + "\n", "utf-8")
    for name in _TOKENIZER_FILES:
        shutil.copyfile(embedded_model() / name, output / name)
