"""The run's settings in the words of TRL, transformers and peft."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig as TrlConfig
from trl import SFTTrainer

from ranit_rag.errors import InputError
from ranit_training.sft import attention
from ranit_training.sft.base import Base
from ranit_training.sft.config import SftConfig
from ranit_training.sft.encoding import EncodedData
from ranit_training.sft.record import CHECKPOINTS

_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


def trl_config(config: SftConfig, processes: int, *, validates: bool) -> TrlConfig:
    """Settings of the trainer. Raises InputError where the batch does not divide."""
    precision = chosen_precision(config)
    often = int(config.evaluate_every) if config.evaluate_every >= 1 else config.evaluate_every
    packed = config.batching == "packed"
    return TrlConfig(
        output_dir=str(config.output / CHECKPOINTS),
        per_device_train_batch_size=config.device_batch_size,
        per_device_eval_batch_size=config.device_batch_size,
        gradient_accumulation_steps=config.accumulation(processes),
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        num_train_epochs=config.epochs,
        max_steps=config.steps or -1,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        gradient_checkpointing=config.gradient_checkpointing,
        eval_strategy="steps" if validates else "no",
        eval_steps=often if validates else None,
        save_strategy="steps",
        save_steps=often,
        save_total_limit=config.keep_checkpoints,
        load_best_model_at_end=validates,
        metric_for_best_model="eval_loss" if validates else None,
        greater_is_better=False if validates else None,
        logging_steps=config.log_every,
        logging_first_step=True,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
        use_cpu=config.device == "cpu",
        # The data comes encoded and packed. That it is packed the trainer must know, to hand on the boundaries.
        dataset_kwargs={"skip_prepare_dataset": True},
        packing=packed,
        padding_free=config.batching == "flat",
        max_length=config.max_length if packed else None,
        # Compiled layers want packs of one length.
        pad_to_multiple_of=config.max_length if packed and config.compile else None,
        dataloader_pin_memory=_on_gpu(config),
    )


def load_model(config: SftConfig, base: Base) -> Any:
    """The base, ready to be trained: in half precision under an adapter, else with weights in float32."""
    attention.register()
    half = _HALF.get(chosen_precision(config)) if config.method == "lora" else None
    return AutoModelForCausalLM.from_pretrained(
        base.directory, dtype=half or torch.float32, attn_implementation=chosen_attention(config)
    )


def make_trainer(
    model: Any, tokenizer: Any, data: EncodedData, config: SftConfig, settings: TrlConfig, callbacks: list[Any]
) -> SFTTrainer:
    """The trainer; its own printing is off. Raises InputError where an adapter fits nowhere."""
    from transformers import PrinterCallback

    adapter = lora_config(config) if config.method == "lora" else None
    try:
        trainer = SFTTrainer(
            model=model,
            args=settings,
            train_dataset=data.train,
            eval_dataset=data.validation,
            processing_class=tokenizer,
            peft_config=adapter,
            callbacks=callbacks,
        )
    except ValueError as error:
        if adapter is None or "arget modules" not in str(error):
            raise
        raise InputError(
            f"lora_targets is {config.lora_targets!r}: {error}", hint="all-linear, or names such as q_proj,v_proj"
        ) from error
    trainer.remove_callback(PrinterCallback)
    if config.compile:
        compile_layers(model)
    return trainer


def compile_layers(model: Any) -> None:
    """Compile each decoder layer by itself: one layer's code serves all, and nothing around them can break it."""
    kinds = set(model._no_split_modules or ())
    for module in model.modules():
        if type(module).__name__ in kinds:
            module.compile()


def lora_config(config: SftConfig) -> LoraConfig:
    targets = config.lora_targets
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if targets == "all-linear" else [name.strip() for name in targets.split(",")],
        task_type="CAUSAL_LM",
    )


def chosen_precision(config: SftConfig) -> str:
    """``auto`` is bf16 on accelerators that have it, else fp16 on GPUs and fp32 on CPUs. Raises InputError."""
    on_gpu = _on_gpu(config)
    if config.precision == "auto":
        if not on_gpu:
            return "fp32"
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    if config.precision == "fp16" and not on_gpu:
        raise InputError("precision is 'fp16', which needs a GPU", hint="fp32 or bf16 on a CPU")
    return config.precision


def _on_gpu(config: SftConfig) -> bool:
    return config.device != "cpu" and torch.cuda.is_available()


def chosen_attention(config: SftConfig) -> str:
    """``auto``: flash attention where it is installed and usable, else PyTorch's kernels behind ``documents``."""
    if config.attention != "auto":
        return config.attention
    from transformers.utils import is_flash_attn_2_available

    if chosen_precision(config) in _HALF and _on_gpu(config) and is_flash_attn_2_available():
        return "flash_attention_2"
    return "sdpa" if config.batching == "padded" else attention.DOCUMENTS
