"""A training run from its settings to its result."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranit_rag.engines.checkpoint import FILE_NAME
from ranit_rag.errors import EngineError
from ranit_rag.progress import progress_bar
from ranit_training.disk import check_space, check_writable
from ranit_training.sft import checks
from ranit_training.sft.base import Base, find_base
from ranit_training.sft.config import SftConfig
from ranit_training.sft.quiet import quietly
from ranit_training.sft.record import CHECKPOINTS, RunRecord, describe_data, profiles_by_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ranit_training.sft.encoding import EncodedData

RESULTS = {"lora": "adapter", "full": "model"}


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to. ``loss`` is the mean over the last logged steps, ``best`` the least validation loss."""

    result: Path
    steps: int
    loss: float | None
    best: float | None
    seconds: float
    counts: Mapping[str, Any]


def dry_run(config: SftConfig, *, progress: bool = False) -> dict[str, Any]:
    """All that comes before training: the checks, and the encoding, which the run will find done. Raises RanitError."""
    base, record = _planned(config)
    tokenizer = _tokenizer(base)
    data = encode_data(config, tokenizer, progress=progress)
    rows = data.counts["train"]["rows"]
    steps = config.steps or max(1, round(rows * config.epochs / config.batch_size))
    return {
        "base": base.name,
        "fingerprint": base.fingerprint,
        "profiles": record.profiles,
        "steps": steps,
        **data.counts,
    }


@quietly()
def train(config: SftConfig, *, progress: bool = False) -> Trained:
    """Train, keep the best checkpoint, and write it to ``<output>/adapter`` or ``<output>/model``.

    Started by ``accelerate launch`` it runs on all of its processes. Raises RanitError before any long work where
    something is wrong: data, base, profile, disk, settings.
    """
    base, record = _planned(config)
    tokenizer = _tokenizer(base)
    from accelerate import PartialState

    from ranit_training.sft.trainer import load_model, make_trainer, trl_config
    from ranit_training.sft.watching import Watcher, read_metrics

    state = PartialState(cpu=config.device == "cpu")
    config.accumulation(state.num_processes)
    with state.local_main_process_first():
        data = encode_data(config, tokenizer, progress=progress and state.is_main_process)
    if state.is_main_process:
        record.write(config.output)
    settings = trl_config(config, state.num_processes, validates=data.validation is not None)
    begun = time.perf_counter()
    with progress_bar("steps", shown=progress and state.is_main_process) as bar, _memory_errors(config):
        watcher = Watcher(config.output, bar)
        trainer = make_trainer(load_model(config, base), tokenizer, data, config, settings, [watcher])
        trainer.train(resume_from_checkpoint=_last_checkpoint(config))
    result = config.output / RESULTS[config.method]
    trainer.save_model(str(result))
    points = read_metrics(config.output)
    trained = Trained(
        result,
        trainer.state.global_step,
        next((point["loss"] for point in reversed(points) if "loss" in point), None),
        trainer.state.best_metric,
        time.perf_counter() - begun,
        data.counts,
    )
    if state.is_main_process:
        if config.method == "lora":
            _name_base(result, record)
        told = {"steps": trained.steps, "loss": trained.loss, "validation_loss": trained.best}
        replace(record, counts=data.counts, result=told).write(config.output)
    return trained


def _name_base(adapter: Path, record: RunRecord) -> None:
    """Have the adapter say which base it is for: over another one of the same shape it would load as well."""
    about = {"base_model": record.base, "base_fingerprint": record.base_fingerprint, "profiles": dict(record.profiles)}
    (adapter / FILE_NAME).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", "utf-8")


def encode_data(config: SftConfig, tokenizer: Any, *, progress: bool) -> EncodedData:
    from ranit_training.sft.encoding import encode_data as encode

    return encode(config, tokenizer, progress=progress)


def _planned(config: SftConfig) -> tuple[Base, RunRecord]:
    """The base and the record of the run, when nothing is wrong with them."""
    checks.check_extras(config)
    base = find_base(config.model)
    checks.check_lengths(config, base)
    data = describe_data([*config.data, *config.validation])
    pins = [pin for file in data for pin in file.profiles]
    profiles = profiles_by_language(pins, base.card.profiles, base.name)
    record = RunRecord(
        base.name, str(base.directory), base.fingerprint, config.method, profiles, data, config.to_dict()
    )
    checks.check_output(config, record)
    check_writable(config.output)
    check_space(config.output, checks.needed_bytes(config, base))
    return base, record


def _tokenizer(base: Base) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(base.directory)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the tokenizer of {base.name} cannot be loaded: {str(error).splitlines()[0]}", hint="copy the model again"
        ) from error
    checks.check_template(tokenizer, base.name)
    return tokenizer


def _last_checkpoint(config: SftConfig) -> str | None:
    """The newest whole checkpoint: the trainer's state is written last, so one that was cut off has none to read."""
    saved = (config.output / CHECKPOINTS).glob("checkpoint-*")
    whole = [path for path in saved if _is_json(path / "trainer_state.json")]
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def _memory_errors(config: SftConfig) -> Iterator[None]:
    """Tells what to do about a GPU that is too small."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f"the GPU's memory does not hold {config.device_batch_size} rows of {config.max_length} tokens: {error}",
            hint="lower device_batch_size (the step stays the same), or set gradient_checkpointing",
        ) from error
