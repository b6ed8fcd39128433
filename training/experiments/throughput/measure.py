"""Training throughput on a GPU: ``python training/experiments/throughput/measure.py CONVERSATIONS SHAPE [OPTIONS]``.

The model has random weights in the given shape; the trainer, the LoRA recipe and the conversations are real, encoded
with the embedded model's tokenizer. Tokens of padding do not count. MFU counts the useful work of each token: two
operations for each weight forward and two backward for the activations, two more for weights that are trained, and
attention within documents (4 · width · length / 2 for each layer forward, twice that backward). Recomputed activations
do not count. The share is of 989.4 TFLOP/s, the H100's dense bfloat16 peak by its data sheet.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, TrainerCallback

from ranit_rag.engines.checkpoint import embedded_model
from ranit_training.sft.attention import register
from ranit_training.sft.config import SftConfig
from ranit_training.sft.encoding import encode_data
from ranit_training.sft.trainer import chosen_attention, make_trainer, trl_config

PEAK = 989.4e12
SHAPES = {
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32},
    "tiny": {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4},
}


class Stopwatch(TrainerCallback):  # type: ignore[misc]
    """Seconds of each step, and the memory at its peak."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        _wait()
        self._begun = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        _wait()
        self.seconds.append(time.perf_counter() - self._begun)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def random_model(shape: str, config: SftConfig, dtype: torch.dtype) -> Any:
    """Made on the GPU, where filling 8 billion numbers takes seconds."""
    register()
    sizes = SHAPES[shape]
    llama = LlamaConfig(
        vocab_size=16_384 if shape == "tiny" else 128_256,
        num_key_value_heads=max(1, sizes["num_attention_heads"] // 4),
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        tie_word_embeddings=shape != "8b",
        attn_implementation=chosen_attention(config),
        bos_token_id=None,
        eos_token_id=4,
        pad_token_id=0,
        **sizes,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            return LlamaForCausalLM(llama)
    finally:
        torch.set_default_dtype(before)


def work(model: Any, lengths: Sequence[int]) -> float:
    """Useful floating-point operations of training on sequences of these lengths."""
    trained = sum(int(p.numel()) for p in model.parameters() if p.requires_grad)
    matrices = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2 and "embed_tokens" not in name)
    config = model.config
    if config.tie_word_embeddings:
        matrices += config.vocab_size * config.hidden_size
    attention = 2 * config.num_hidden_layers * config.hidden_size
    operations: float = sum(n * (4 * matrices + 2 * min(trained, matrices) + 3 * attention * n) for n in lengths)
    return operations


def measure(shape: str, config: SftConfig, steps: int, warm: int) -> dict[str, Any]:
    """Train for a few steps and time those after ``warm``."""
    tokenizer = AutoTokenizer.from_pretrained(embedded_model())
    data = encode_data(config, tokenizer)
    torch.manual_seed(0)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    model = random_model(shape, config, torch.bfloat16 if config.method == "lora" else torch.float32)
    watch = Stopwatch()
    settings = replace(trl_config(config, 1, validates=False), save_strategy="no")
    trainer = make_trainer(model, tokenizer, data, config, settings, [watch])
    lengths = []
    for batch in trainer.get_train_dataloader():
        starts = batch.get("cu_seq_lens_q")
        real = batch["attention_mask"].sum(1) if starts is None else starts.diff()
        lengths.append([int(n) for n in real if n > 1])
        if len(lengths) == steps * settings.gradient_accumulation_steps:
            break
    trainer.train()
    each = settings.gradient_accumulation_steps
    timed = [n for rows in lengths[warm * each :] for n in rows]
    seconds = sum(watch.seconds[warm:])
    model_flops = work(trainer.model, timed)
    return {
        "shape": shape,
        "method": config.method,
        "batching": config.batching,
        "rows at once": config.device_batch_size,
        "compiled": config.compile,
        "checkpointing": config.gradient_checkpointing,
        "attention": model.config._attn_implementation,
        "steps": steps - warm,
        "seconds": round(seconds, 2),
        "tokens/s": round(sum(timed) / seconds),
        "conversations/s": round(len(timed) / seconds, 1),
        "MFU": round(model_flops / seconds / PEAK, 4),
        "GiB": round(torch.cuda.max_memory_allocated() / 2**30, 1) if torch.cuda.is_available() else None,
        "loss": [round(point["loss"], 3) for point in trainer.state.log_history if "loss" in point][
            :: max(1, steps // 5)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--batching", nargs="+", default=["packed", "flat", "padded", "single"])
    parser.add_argument("--method", default="lora")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--warm", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2, help="packs at once")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--checkpointing", action="store_true")
    options = parser.parse_args()
    for batching in options.batching:
        # A conversation at a time is what remains without packs and without padding.
        alone = batching == "single"
        with tempfile.TemporaryDirectory() as folder:
            config = SftConfig(
                data=(options.conversations,),
                output=Path(folder),
                batching="flat" if alone else batching,
                method=options.method,
                steps=options.steps,
                batch_size=options.batch_size,
                device_batch_size=1 if alone else options.rows if batching == "packed" else options.batch_size,
                validation_share=0.0,
                gradient_checkpointing=options.checkpointing,
                compile=options.compile,
                log_every=1,
            )
            result = measure(options.shape, config, options.steps, options.warm)
        print(json.dumps({**result, "batching": batching}), flush=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
