"""What a training run is told; the defaults are the recipe of the RA-IT paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ranit_rag.errors import InputError

Method = Literal["lora", "full"]
Batching = Literal["packed", "flat", "padded"]
Attention = Literal["auto", "documents", "sdpa", "eager", "flash_attention_2", "flash_attention_3"]
Precision = Literal["auto", "bf16", "fp16", "fp32"]
Schedule = Literal["cosine", "linear", "constant", "constant_with_warmup"]


@dataclass(frozen=True, slots=True)
class SftConfig:
    """A run; the fields are the flags of ``ranit train`` and the keys of its section in a run file.

    ``batch_size`` counts the rows of one step over all devices: packs of ``max_length`` tokens when ``batching`` is
    ``packed``, else conversations; ``flat`` puts those of a device end to end without padding. Each device computes
    ``device_batch_size`` rows at once and accumulates gradients over the others.
    ``cache`` keeps the encoded data, for other runs to read; it is in the output where none is named.
    ``warmup`` is a share of the steps. ``evaluate_every`` counts steps, or is a share of all steps where it is below 1;
    the best checkpoint by validation loss is kept. Raises InputError.
    """

    data: tuple[Path, ...]
    output: Path
    model: str | None = None
    validation: tuple[Path, ...] = ()
    validation_share: float = 0.1
    cache: Path | None = None
    method: Method = "lora"
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"
    learning_rate: float = 5e-5
    schedule: Schedule = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    epochs: float = 3.0
    steps: int | None = None
    batch_size: int = 8
    device_batch_size: int = 1
    max_length: int = 2048
    batching: Batching = "packed"
    attention: Attention = "auto"
    precision: Precision = "auto"
    gradient_checkpointing: bool = True
    compile: bool = False
    evaluate_every: float = 0.1
    keep_checkpoints: int = 2
    log_every: int = 10
    seed: int = 42
    device: Literal["auto", "cpu"] = "auto"
    resume: bool = False

    def __post_init__(self) -> None:
        choices = {
            "method": Method,
            "batching": Batching,
            "attention": Attention,
            "precision": Precision,
            "schedule": Schedule,
        }
        for name, valid in choices.items():
            if (value := getattr(self, name)) not in get_args(valid):
                raise InputError(f"{name} is {value!r}", hint=f"one of {', '.join(get_args(valid))}")
        if not self.data:
            raise InputError("there is no training data", hint="give files of conversations: --data FILE")
        least: dict[str, tuple[Any, Any]] = {
            "validation_share": (0, 0.9),
            "lora_rank": (1, None),
            "lora_alpha": (1, None),
            "lora_dropout": (0, 0.99),
            "learning_rate": (1e-12, None),
            "warmup": (0, 1),
            "weight_decay": (0, None),
            "max_grad_norm": (0, None),
            "epochs": (1e-6, None),
            "batch_size": (1, None),
            "device_batch_size": (1, self.batch_size),
            "max_length": (16, None),
            "evaluate_every": (1e-6, None),
            "keep_checkpoints": (1, None),
            "log_every": (1, None),
        }
        for name, (low, high) in least.items():
            value = getattr(self, name)
            if value < low or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"from {low} to {high}"
                raise InputError(f"{name} is {value}", hint=f"it is {bounds}")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"steps is {self.steps}", hint="at least 1, or none for whole epochs")
        if self.batching == "packed" and self.attention == "eager":
            raise InputError("packs need attention that knows documents", hint="batching padded, or another attention")

    def accumulation(self, processes: int) -> int:
        """Forward passes of one process for each step. Raises InputError where the batch does not divide."""
        at_once = self.device_batch_size * processes
        if self.batch_size % at_once:
            raise InputError(
                f"a batch of {self.batch_size} rows does not divide among {processes} processes "
                f"of {self.device_batch_size} rows at once",
                hint=f"batch_size must be a multiple of {at_once}",
            )
        return self.batch_size // at_once

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the record of the run."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        paths = {name: [str(path) for path in fields[name]] for name in ("data", "validation")}
        return {**fields, **paths, "output": str(self.output), "cache": self.cache and str(self.cache)}
