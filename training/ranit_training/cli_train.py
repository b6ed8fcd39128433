"""``ranit train`` and ``ranit merge``: from conversations to a checkpoint."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from ranit_rag.cli.options import debug_option
from ranit_training.run_file import run_file_option

_FILE = click.Path(path_type=Path)


def _choice(*names: str) -> click.Choice[str]:
    return click.Choice(names)


@click.command(short_help="Fine-tune a model on conversations.")
@click.option("--data", multiple=True, required=True, type=_FILE, help="Conversations to train on; may be repeated.")
@click.option("-o", "--output", type=_FILE, required=True, help="The directory of the run.")
@click.option("--model", help="The base: a directory or hub name. Default: the embedded model.")
@click.option("--validation", multiple=True, type=_FILE, help="Conversations to validate on; else a share of the data.")
@click.option("--validation-share", type=float, default=0.1, show_default=True, help="Of the records.")
@click.option("--cache", type=_FILE, help="Where encoded data is kept for other runs. Default: in the output.")
@click.option("--method", type=_choice("lora", "full"), default="lora", show_default=True)
@click.option("--lora-rank", type=int, default=8, show_default=True)
@click.option("--lora-alpha", type=int, default=16, show_default=True)
@click.option("--lora-dropout", type=float, default=0.0, show_default=True)
@click.option("--lora-targets", default="all-linear", show_default=True, help="Or layer names, parted by commas.")
@click.option("--learning-rate", type=float, default=5e-5, show_default=True)
@click.option(
    "--schedule",
    type=_choice("cosine", "linear", "constant", "constant_with_warmup"),
    default="cosine",
    show_default=True,
)
@click.option("--warmup", type=float, default=0.03, show_default=True, help="A share of the steps.")
@click.option("--weight-decay", type=float, default=0.0, show_default=True)
@click.option("--max-grad-norm", type=float, default=1.0, show_default=True)
@click.option("--epochs", type=float, default=3.0, show_default=True)
@click.option("--steps", type=int, help="Steps in place of epochs.")
@click.option("--batch-size", type=int, default=8, show_default=True, help="Rows of a step, over all devices.")
@click.option("--device-batch-size", type=int, default=1, show_default=True, help="Rows that a device holds at once.")
@click.option("--max-length", type=int, default=2048, show_default=True, help="Tokens of a conversation or pack.")
@click.option("--batching", type=_choice("packed", "flat", "padded"), default="packed", show_default=True)
@click.option(
    "--attention",
    type=_choice("auto", "documents", "sdpa", "eager", "flash_attention_2", "flash_attention_3"),
    default="auto",
    show_default=True,
)
@click.option("--precision", type=_choice("auto", "bf16", "fp16", "fp32"), default="auto", show_default=True)
@click.option("--gradient-checkpointing/--no-gradient-checkpointing", default=True, show_default=True)
@click.option("--compile/--no-compile", default=False, show_default=True, help="Compile the model with torch.")
@click.option("--evaluate-every", type=float, default=0.1, show_default=True, help="Steps, or a share below 1.")
@click.option("--keep-checkpoints", type=int, default=2, show_default=True)
@click.option("--log-every", type=int, default=10, show_default=True, help="Steps.")
@click.option("--seed", type=int, default=42, show_default=True)
@click.option("--device", type=_choice("auto", "cpu"), default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the run in the output directory, if there is one.")
@click.option("--dry-run", is_flag=True, help="Check everything, encode the data, and stop.")
@run_file_option
@debug_option
def train(dry_run: bool, **given: Any) -> None:
    """Fine-tune a model on conversations. The defaults are the recipe of the RA-IT paper.

    For many GPUs: accelerate launch --config_file FILE -m ranit_rag train … (files are in ranit_training/recipes).
    """
    from ranit_training.sft import SftConfig
    from ranit_training.sft import dry_run as plan
    from ranit_training.sft import train as run

    config = SftConfig(**given)
    progress = sys.stderr.isatty()
    if dry_run:
        with redirect_stdout(sys.stderr):
            planned = plan(config, progress=progress)
        _tell(planned)
        return
    with redirect_stdout(sys.stderr):  # DeepSpeed, where it is installed, writes its log to the standard output
        trained = run(config, progress=progress)
    if _is_main_process():
        _tell(
            {
                "result": str(trained.result),
                "steps": trained.steps,
                "loss": trained.loss,
                "validation_loss": trained.best,
                "seconds": round(trained.seconds, 1),
                **trained.counts,
            }
        )


@click.command(short_help="Write the model of a training run as a checkpoint.")
@click.argument("run", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The directory of the checkpoint.")
@click.option("--base", help="Where the base is now, if it was moved.")
@click.option("--name", help="The checkpoint's name. Default: the output directory's.")
@click.option("--license", "license_id", help="The licence of the weights (SPDX). Default: the base's, if it tells.")
@click.option("--dtype", type=_choice("bfloat16", "float16", "float32"), default="bfloat16", show_default=True)
@click.option("--numbers", type=_FILE, help="A Markdown file with measured numbers, for the card.")
@run_file_option
@debug_option
def merge(run: Path, output: Path, **given: Any) -> None:
    """Write the model of a run as a checkpoint of its own, with its card: for RANIT, transformers and vLLM."""
    from ranit_training.merge import merge as write

    with redirect_stdout(sys.stderr):
        checkpoint = write(run, output, **given)
    _tell({"checkpoint": str(checkpoint)})


def _is_main_process() -> bool:
    from accelerate import PartialState

    return bool(PartialState().is_main_process)


def _tell(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False))
