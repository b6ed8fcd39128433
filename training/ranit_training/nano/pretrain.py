"""Pre-training of the small Llama on plain text, on one device.

``python -m ranit_training.nano.pretrain CONFIG --tokens tokens.npy -o DIR`` writes a checkpoint of transformers with
the embedded model's tokenizer and chat template: a base for ``ranit train``.

Matrices are trained by Muon (Jordan et al., 2024; https://kellerjordan.github.io/posts/muon/) with updates scaled to
AdamW's size (Liu et al., arXiv 2502.16982), embeddings and norms by AdamW.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, linear

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError
from ranit_rag.progress import progress_bar
from ranit_training.nano.config import NanoConfig, PretrainConfig, ShapeConfig, read_config
from ranit_training.nano.corpus import Tokens

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")
_LOG_EVERY = 100


def new_model(shape: ShapeConfig, vocabulary: int) -> Any:
    """A Llama with random weights in float32; matrices that write to the residual stream start smaller."""
    from transformers import LlamaConfig, LlamaForCausalLM

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


def batches(tokens: Tokens, config: PretrainConfig, device: str) -> Iterator[torch.Tensor]:
    """Rows of ``length + 1`` tokens without end: each epoch reads all rows in a new order and from a new offset."""
    rng = np.random.default_rng(config.seed)
    width = config.length
    if len(tokens) < config.rows * width + 2 * width:
        raise DataError(
            f"{len(tokens):,} tokens are less than a step reads", hint="make a larger corpus, or fewer rows"
        )
    while True:
        offset = int(rng.integers(width))
        starts = rng.permutation((len(tokens) - offset - 1) // width) * width + offset
        for first in range(0, len(starts) - config.rows + 1, config.rows):
            rows = np.stack([tokens[start : start + width + 1] for start in starts[first : first + config.rows]])
            batch = torch.from_numpy(rows.astype(np.int64))
            yield batch.pin_memory().to(device, non_blocking=True) if device == "cuda" else batch


def learning_rate(progress: float, step: int, config: PretrainConfig) -> float:
    """Warm-up, a plateau, and a straight fall to a hundredth (WSD, arXiv 2404.06395)."""
    rising = min(1.0, (step + 1) / config.warmup)
    falling = 1.0 if progress < config.decay_from else max(0.01, (1 - progress) / (1 - config.decay_from))
    return config.learning_rate * rising * falling


def optimizers(model: Any, config: PretrainConfig) -> list[torch.optim.Optimizer]:
    matrices = [w for name, w in model.named_parameters() if w.ndim == 2 and "embed" not in name]
    others = [w for name, w in model.named_parameters() if w.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(
            matrices, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=config.learning_rate, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.0),
    ]


def pretrain(
    config: NanoConfig, tokens: Tokens, output: Path, *, device: str = "auto", progress: bool = False
) -> float:
    """Train and write the checkpoint; returns the mean loss of the last steps, in nats per token."""
    plan = config.pretrain
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    torch.manual_seed(plan.seed)
    torch.set_float32_matmul_precision("high")
    vocabulary = int(json.loads((embedded_model() / "config.json").read_text("utf-8"))["vocab_size"])
    model = new_model(config.shape, vocabulary).to(device)
    optimizing = optimizers(model, plan)
    loss_of = torch.compile(_loss, dynamic=False) if device == "cuda" else _loss
    stream = batches(tokens, plan, device)
    steps = max(1, plan.tokens // (plan.rows * plan.length))
    output.mkdir(parents=True, exist_ok=True)
    log = (output / "metrics.jsonl").open("w", encoding="utf-8", buffering=1)
    begun = 0.0
    losses: list[torch.Tensor] = []
    with progress_bar("steps", shown=progress, total=steps) as bar, log:
        for step in range(steps):
            if step == 3:  # after compilation
                begun = time.perf_counter()
            share = max(step / steps, (time.perf_counter() - begun) / plan.seconds if begun else 0.0)
            if share >= 1:
                break
            rate = learning_rate(share, step, plan)
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                loss = loss_of(model, next(stream))
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizing:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            if step % _LOG_EVERY == 0 or step == steps - 1:
                mean = torch.stack(losses[-_LOG_EVERY:]).mean().item()
                seconds = time.perf_counter() - begun if begun else 0.0
                log.write(json.dumps({"step": step, "loss": mean, "rate": rate, "seconds": round(seconds, 1)}) + "\n")
            bar.show(step + 1)
    save(model, output)
    return float(torch.stack(losses[-_LOG_EVERY:]).mean())


def _loss(model: Any, rows: torch.Tensor) -> torch.Tensor:
    states = model.model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = linear(states, model.lm_head.weight.to(states.dtype))
    return cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())


def save(model: Any, output: Path) -> None:
    """The checkpoint in bfloat16, with the embedded model's tokenizer."""
    model.to(torch.bfloat16).save_pretrained(output)
    for name in _TOKENIZER_FILES:
        shutil.copyfile(embedded_model() / name, output / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    tokens = np.load(options.tokens, mmap_mode="r")
    pretrain(read_config(options.config), tokens, options.output, device=options.device, progress=True)


if __name__ == "__main__":
    main()
