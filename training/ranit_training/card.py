"""The model card: what the checkpoint is, what it was made of, and how well it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ranit_training.sft.record import DataFile, RunRecord

_SETTINGS = {
    "method": "method",
    "learning rate": "learning_rate",
    "schedule": "schedule",
    "epochs": "epochs",
    "steps": "steps",
    "rows in a step": "batch_size",
    "longest sequence": "max_length",
    "batching": "batching",
    "seed": "seed",
}


def model_card(
    name: str, record: RunRecord, license_id: str | None, numbers: str | None, *, base_license: str | None = None
) -> str:
    """Markdown with the hub's front matter. What is not known is said to be unknown."""
    return "\n".join(_lines(name, record, license_id, numbers, base_license)) + "\n"


def _lines(
    name: str, record: RunRecord, license_id: str | None, numbers: str | None, base_license: str | None
) -> Iterator[str]:
    languages = [language for language in record.profiles if language in ("en", "zh")]
    yield from ("---", f"license: {license_id.lower() if license_id else 'other'}")
    if "/" in record.base and not Path(record.base).exists():
        yield f"base_model: {record.base}"
    yield f"language: [{', '.join(languages)}]"
    yield from ("pipeline_tag: text-generation",)
    yield from ("tags: [named-entity-recognition, retrieval-augmented-instruction-tuning]", "---", "", f"# {name}", "")
    yield "Open named entity recognition: asked for one type at a time, it answers with a JSON list of mentions."
    yield from ("", "```python", "from ranit_rag import Ranit", "", f'ner = Ranit("{name}")', "```", "")
    yield from ("## Training", "", "| | |", "|---|---|", f"| base | {record.base} (`{record.base_fingerprint}`) |")
    yield f"| prompts | {', '.join(f'`{pin}`' for pin in record.profiles.values()) or 'unknown'} |"
    for title, key in _SETTINGS.items():
        if record.config.get(key) is not None:
            yield f"| {title} | {record.config[key]} |"
    if record.method == "lora":
        yield f"| LoRA | rank {record.config['lora_rank']}, alpha {record.config['lora_alpha']} |"
    for key in ("steps", "loss", "validation_loss"):
        if (value := record.result.get(key)) is not None:
            yield f"| {key.replace('_', ' ')} at the end | {value:.4g} |"
    yield from ("", "## Data", "")
    for file in record.data:
        yield from _data_lines(file)
    yield from ("", *_counts(record.counts), "", "## Numbers", "")
    yield numbers.strip() if numbers else "Not measured yet: `ranit eval` does it."
    yield from ("", "## Licence", "")
    terms = f"The weights: {license_id}." if license_id else "The licence of the weights was not stated."
    base = f"base ({base_license})" if base_license else "base"
    yield f"{terms} The terms of the {base} and of the data hold as well."


def _data_lines(file: DataFile) -> Iterator[str]:
    how = f", {file.made['kind']}" if file.made.get("kind") else ""
    strategy = f", examples by `{file.made['strategy']}`" if file.made.get("strategy") else ""
    yield f"- `{Path(file.path).name}` (sha256 `{file.sha256[:16]}…`{how}{strategy})"
    for source in file.made.get("inputs") or ():
        known = f" (sha256 `{source['sha256'][:16]}…`)" if source.get("sha256") else ""
        yield f"  - from `{Path(source['path']).name}`{known}"


def _counts(counts: Mapping[str, Any]) -> Iterator[str]:
    for part, numbers in counts.items():
        told = ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in numbers.items())
        yield f"{part.capitalize()}: {told}."
