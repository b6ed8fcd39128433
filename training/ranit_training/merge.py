"""From a finished run to a checkpoint that stands alone: weights, tokenizer, ``ranit.json`` and the card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ranit_rag.engines.checkpoint import FILE_NAME
from ranit_rag.errors import DataError, InputError
from ranit_rag.extras import require
from ranit_training.card import model_card
from ranit_training.disk import check_space, check_writable
from ranit_training.sft.base import Base, find_base
from ranit_training.sft.quiet import quietly
from ranit_training.sft.record import RunRecord, read_record
from ranit_training.sft.run import RESULTS

FORMAT = 1


def merge(
    run: Path,
    output: Path,
    *,
    base: str | None = None,
    name: str | None = None,
    license_id: str | None = None,
    dtype: str = "bfloat16",
    numbers: Path | None = None,
) -> Path:
    """Write the model of the run in the directory ``run`` to ``output``, and return that.

    ``base`` says where the base is now. Without a ``license_id`` that of the base holds, where the base tells it.
    ``numbers`` is Markdown for the card. Raises InputError, DataError before anything is loaded: no finished run,
    another base, no space.
    """
    record = finished_run(run)
    origin = find_base(base or record.base_path)
    if origin.fingerprint != record.base_fingerprint:
        raise DataError(
            f"{origin.name} ({origin.fingerprint}) is not the base that {run} was trained from: "
            f"{record.base} ({record.base_fingerprint})",
            hint="give --base with the directory of that base",
        )
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output} is not empty", hint="give a new directory")
    if numbers is not None and not numbers.is_file():
        raise InputError(f"there is no file {numbers}", hint="give a Markdown file")
    check_writable(output)
    check_space(output, 2 * origin.weight_bytes)
    _write_weights(run, record, origin, output, dtype)
    title = name or output.resolve().name
    inherited = base_license(origin.directory)
    license_id = license_id or inherited
    card = {
        "format": FORMAT,
        "name": title,
        "base_model": record.base,
        "base_fingerprint": record.base_fingerprint,
        "profiles": dict(record.profiles),
        "context": origin.context,
        "window": origin.card.window,
        "license": license_id,
        "data": [{"path": Path(file.path).name, "sha256": file.sha256, **file.made} for file in record.data],
    }
    (output / FILE_NAME).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
    told = numbers.read_text("utf-8") if numbers else None
    readme = model_card(title, record, license_id, told, base_license=inherited)
    (output / "README.md").write_text(readme, "utf-8")
    return output


def base_license(directory: Path) -> str | None:
    """The licence that a base made here tells in its ``ranit.json``; None where there is no such file."""
    path = directory / FILE_NAME
    told: str | None = json.loads(path.read_text("utf-8")).get("license") if path.is_file() else None
    return told


def finished_run(run: Path) -> RunRecord:
    """The record of a run that came to its end. Raises DataError."""
    record = read_record(run)
    if record is None:
        raise DataError(f"{run} is not the directory of a run", hint="give the --output of `ranit train`")
    if not record.result or not (run / RESULTS[record.method]).is_dir():
        raise DataError(f"the run in {run} has not come to its end", hint="go on with `ranit train … --resume`")
    return record


@quietly()
def _write_weights(run: Path, record: RunRecord, base: Base, output: Path, dtype: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trained = run / RESULTS[record.method]
    # Merged in float32, and rounded once.
    if record.method == "lora":
        peft = require("peft", extra="train")
        model: Any = AutoModelForCausalLM.from_pretrained(base.directory, dtype=torch.float32)
        model = peft.PeftModel.from_pretrained(model, str(trained)).merge_and_unload()
    else:
        model = AutoModelForCausalLM.from_pretrained(trained, dtype=torch.float32)
    model.to(getattr(torch, dtype)).save_pretrained(output)
    AutoTokenizer.from_pretrained(base.directory).save_pretrained(output)
    if (base.directory / "generation_config.json").is_file():  # the end-of-turn tokens are in it
        shutil.copyfile(base.directory / "generation_config.json", output / "generation_config.json")
