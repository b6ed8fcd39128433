"""From a trained model to the checkpoint that ships: ``ranit.json`` and the model card.

``python -m ranit_training.nano.finish CONFIG --model DIR --mixture DIR --tables FILE -o DIR`` copies the model and
writes both. ``ranit calibrate`` adds what its scores mean.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ranit_rag.engines.checkpoint import FILE_NAME
from ranit_rag.errors import DataError, InputError
from ranit_rag.prompts import load_profile
from ranit_training.manifest import sha256_of
from ranit_training.nano.episodes import PROFILES
from ranit_training.nano.mixture import Inventory, read_inventories

LARGEST = 64 * 1024 * 1024  # bytes of all files: it travels inside the package
WINDOW = 192  # tokens of a text that it reads well at once
CONTEXT = 2048
LICENCE = "CC-BY-NC-SA-4.0"
WRITTEN = "written for RANIT, Apache-2.0"
MODEL_FILES = (
    *("config.json", "generation_config.json", "model.safetensors"),
    *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
)


def licences() -> dict[str, str]:
    """Of each set, as they were found, from ``licences.toml``."""
    found: dict[str, str] = tomllib.loads(Path(__file__).with_name("licences.toml").read_text("utf-8"))
    return found


def finish(config: Path, model: Path, mixture: Path, output: Path, version: str, tables: str | None) -> None:
    """Write the checkpoint. Raises DataError for a set without a licence or too large a model, InputError."""
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output} is not empty", hint="give a new directory")
    sets = read_inventories(mixture)
    if unknown := [item.name for item in sets if not item.written and item.name not in licences()]:
        raise DataError(f"no licence is known of {', '.join(unknown)}", hint="write it into licences.toml")
    if missing := [name for name in MODEL_FILES if not (model / name).is_file()]:
        raise DataError(f"{model} has no {', '.join(missing)}", hint="give what ranit_training.nano.train wrote")
    output.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        shutil.copyfile(model / name, output / name)
    about = card(config, sets, version)
    (output / FILE_NAME).write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")
    shape = json.loads((output / "config.json").read_text("utf-8"))
    (output / "README.md").write_text("\n".join(_readme(about, shape, sets, tables)) + "\n", "utf-8")
    size = sum(file.stat().st_size for file in output.iterdir())
    if size > LARGEST:
        raise DataError(f"the checkpoint has {size:,} bytes, {LARGEST:,} may travel", hint="a smaller shape")


def card(config: Path, sets: Sequence[Inventory], version: str) -> dict[str, Any]:
    """What ``ranit.json`` says: how to ask, what the model was made of, and the hashes of all of it."""
    return {
        "format": 1,
        "name": "ranit-nano",
        "version": version,
        "base_model": None,
        "languages": list(PROFILES),
        "profiles": {language: load_profile(name).pin for language, name in PROFILES.items()},
        "context": CONTEXT,
        "window": WINDOW,
        "license": LICENCE,
        "decoding": {"precedents": True},
        "recipe": recipe(config),
        "data": [
            {"path": path, "sha256": sha256} for path, sha256 in {item.path: item.sha256 for item in sets}.items()
        ],
    }


def recipe(config: Path) -> dict[str, str]:
    """The recipe's name and hash."""
    return {"path": config.name, "sha256": sha256_of([config])}


def _readme(
    about: dict[str, Any], shape: dict[str, Any], sets: Sequence[Inventory], tables: str | None
) -> Iterator[str]:
    yield from ("---", f"license: {LICENCE.lower()}", "language: [en, zh]", "pipeline_tag: text-generation")
    yield from ("tags: [named-entity-recognition, retrieval-augmented-instruction-tuning]", "---", "")
    yield from (f"# ranit-nano, version {about['version']}", "")
    yield "The checkpoint that RANIT carries: open named entity recognition in English and Chinese on a laptop CPU,"
    yield "with no download. It is small and errs often; for work that counts, point RANIT at a larger model."
    yield from ("", "| | |", "|---|---|")
    heads = f"{shape['num_attention_heads']} heads with {shape['num_key_value_heads']} key/value heads"
    yield (
        f"| architecture | Llama: hidden {shape['hidden_size']}, {shape['num_hidden_layers']} layers, FFN "
        f"{shape['intermediate_size']}, {heads} of {shape['head_dim']}, tied embeddings |"
    )
    yield f"| tokenizer | byte-level BPE, {shape['vocab_size']:,} tokens, English and Chinese |"
    yield f"| context | {CONTEXT:,} tokens; RANIT cuts texts into windows of {WINDOW} |"
    yield f"| prompts | {', '.join(f'`{pin}`' for pin in about['profiles'].values())} |"
    made_by = about["recipe"]
    yield f"| recipe | `ranit_training/nano/{made_by['path']}`, sha256 `{made_by['sha256'][:16]}…` |"
    yield from ("", "## Numbers", "", (tables or "Not measured yet.").strip(), "", "## Data and licence", "")
    yield "Trained on these sets alone, and on plain text, whose sources the recipe names. The weights are for research"
    yield f"and non-commercial use: {LICENCE}. The code of RANIT is Apache-2.0."
    yield from ("", "| set | language | records | types | licence as found |", "|---|---|---:|---:|---|")
    terms = licences()
    for path, read in groupby(sets, key=lambda item: item.path):
        parts = list(read)
        name, language = path.partition(".")[0], parts[0].language
        labels = {label for item in parts for label in item.labels}
        licence = WRITTEN if parts[0].written else terms[name]
        yield f"| {name} | {language} | {sum(map(len, parts)):,} | {len(labels)} | {licence} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--mixture", type=Path, required=True)
    parser.add_argument("--tables", type=Path, help="Markdown for the card: what evaluate.py printed")
    parser.add_argument("--version", default="1")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    tables = options.tables.read_text("utf-8") if options.tables else None
    finish(options.config, options.model, options.mixture, options.output, options.version, tables)


if __name__ == "__main__":
    main()
