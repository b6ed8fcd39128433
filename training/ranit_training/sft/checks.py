"""What is wrong with a run, said before any long work."""

from __future__ import annotations

from typing import Any

from ranit_rag.errors import DataError, InputError
from ranit_rag.extras import require
from ranit_training.sft.base import Base
from ranit_training.sft.config import SftConfig
from ranit_training.sft.record import CHECKPOINTS, FILE_NAME, RunRecord, read_record

# What may differ when a run goes on: it changes neither the steps nor what they learn.
_FREE = {
    "output",
    "model",
    "resume",
    "log_every",
    "keep_checkpoints",
    "data",
    "validation",
    "cache",
    "device_batch_size",
    "device",
}
_ADAM = 2  # moments for each weight, in float32


def check_extras(config: SftConfig) -> None:
    """Raises MissingExtraError."""
    for module in ("trl", "peft", "datasets", "accelerate", "pyarrow", "matplotlib"):
        require(module, extra="train")
    if config.attention.startswith("flash_attention"):
        require("flash_attn", extra="flash-attn")


def check_lengths(config: SftConfig, base: Base) -> None:
    """Raises InputError where the sequences are longer than the model's context."""
    if base.context is not None and config.max_length > base.context:
        raise InputError(
            f"max_length is {config.max_length}, but {base.name} was made for {base.context} tokens",
            hint=f"give --max-length {base.context} or less",
        )


def check_output(config: SftConfig, planned: RunRecord) -> None:
    """Raises InputError, DataError: the directory holds another run, or one that cannot go on like this."""
    if config.output.exists() and not config.output.is_dir():
        raise InputError(f"{config.output} is a file", hint="give a directory for the run")
    before = read_record(config.output)
    if before is None:
        if (config.output / CHECKPOINTS).exists():
            raise DataError(
                f"{config.output} holds checkpoints, but no {FILE_NAME} that tells of what",
                hint="give another directory",
            )
        return
    if not config.resume:
        raise InputError(f"{config.output} holds a run already", hint="go on with --resume, or give another --output")
    if before.base_fingerprint != planned.base_fingerprint:
        raise DataError(
            f"the checkpoints in {config.output} were trained from {before.base!r} ({before.base_fingerprint}), "
            f"not from {planned.base!r} ({planned.base_fingerprint})",
            hint=f"give --model {before.base_path}, or another --output",
        )
    if [file.sha256 for file in before.data] != [file.sha256 for file in planned.data]:
        raise DataError(
            f"the checkpoints in {config.output} were trained on other data",
            hint=f"give {', '.join(file.path for file in before.data)} unchanged, or another --output",
        )
    changed = {
        key: (before.config.get(key), value)
        for key, value in planned.config.items()
        if key not in _FREE and before.config.get(key) != value
    }
    if changed:
        told = "; ".join(f"{key} was {old!r} and is {new!r}" for key, (old, new) in changed.items())
        raise InputError(
            f"the run in {config.output} was begun with other settings: {told}", hint="resume it with its own"
        )


def needed_bytes(config: SftConfig, base: Base) -> int:
    """Disk space for the checkpoints, the result and the encoded data, roughly."""
    trained = base.weight_bytes if config.method == "full" else _adapter_bytes(config, base)
    in_float32 = trained * (
        2 if base.config.get("dtype", base.config.get("torch_dtype")) in ("bfloat16", "float16") else 1
    )
    # The newest and the best checkpoint stand beside those that are kept while a new one is written.
    checkpoints = (config.keep_checkpoints + 2) * in_float32 * (1 + _ADAM)
    data = sum(path.stat().st_size for path in (*config.data, *config.validation))
    return checkpoints + in_float32 + 2 * data


def _adapter_bytes(config: SftConfig, base: Base) -> int:
    """Rank × (in + out) of seven square-ish matrices for each layer, at 2 bytes."""
    hidden = int(base.config.get("hidden_size", 4096))
    inner = int(base.config.get("intermediate_size", 4 * hidden))
    layers = int(base.config.get("num_hidden_layers", 32))
    return 2 * config.lora_rank * layers * (4 * 2 * hidden + 3 * (hidden + inner))


def check_template(tokenizer: Any, name: str) -> None:
    """Raises InputError where the base has no chat template, as models have that were never tuned to answer."""
    if not tokenizer.chat_template:
        raise InputError(
            f"the tokenizer of {name} has no chat template", hint="take the instruction-tuned variant of the model"
        )
