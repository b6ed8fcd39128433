"""The data of a run as token ids on disk: encoded once, by one process, and read by all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranit_rag.engines.chat import PromptBuilder
from ranit_rag.errors import DataError
from ranit_rag.progress import track
from ranit_training.layouts import told_errors
from ranit_training.manifest import sha256_of
from ranit_training.sft.config import SftConfig
from ranit_training.sft.dialogues import Dialogue, Tokens, encode_dialogue, load_dialogues

ROWS_AT_ONCE = 1_000
_COUNTS = "counts.json"


@dataclass(frozen=True, slots=True)
class EncodedData:
    """Data sets with ``input_ids`` and ``labels`` (and, where packed, ``seq_lengths``), and what is in them."""

    train: Any
    validation: Any | None
    counts: dict[str, Any]


def encode_data(config: SftConfig, tokenizer: Any, *, progress: bool = False) -> EncodedData:
    """Encode the files into the cache, or read what an earlier call left there. Raises DataError."""
    directory = (config.cache or config.output / "encoded") / _key(config, tokenizer)
    if not directory.is_dir():
        partial = directory.with_name(f".{directory.name}.{os.getpid()}")
        with told_errors(directory):
            try:
                _encode(config, tokenizer, partial, progress)
                partial.rename(directory)
            except OSError:
                if not directory.is_dir():  # else another node was first
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return _load(directory)


def _load(directory: Path) -> EncodedData:
    from datasets import load_from_disk

    validation = directory / "validation"
    return EncodedData(
        load_from_disk(str(directory / "train")),
        load_from_disk(str(validation)) if validation.is_dir() else None,
        json.loads((directory / _COUNTS).read_text("utf-8")),
    )


def _key(config: SftConfig, tokenizer: Any) -> str:
    """Names what the encoding depends on."""
    parts = {
        "data": sha256_of(config.data),
        "validation": sha256_of(config.validation) if config.validation else config.validation_share,
        "tokenizer": tokenizer.backend_tokenizer.to_str()
        if hasattr(tokenizer, "backend_tokenizer")
        else repr(tokenizer),
        "template": tokenizer.chat_template,
        "max_length": config.max_length,
        "packed": config.seed if config.batching == "packed" else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _encode(config: SftConfig, tokenizer: Any, directory: Path, progress: bool) -> None:
    prompts = PromptBuilder(tokenizer)
    files = {"train": directory / "train.arrow", "validation": directory / "validation.arrow"}
    counts = {"train": Counter[str](), "validation": Counter[str]()}
    directory.mkdir(parents=True)
    writers = {part: _Writer(path) for part, path in files.items()}
    parted = [(dialogue, _part(dialogue, config)) for dialogue in load_dialogues(config.data)]
    if config.validation:
        parted += [(dialogue, "validation") for dialogue in load_dialogues(config.validation)]
    for dialogue, part in track(parted, total=len(parted), shown=progress, what="conversations encoded"):
        tokens = encode_dialogue(dialogue, prompts, config.max_length, counts[part])
        if tokens is not None:
            writers[part].add(tokens)
    for writer in writers.values():
        writer.close()
    if not writers["train"].rows:
        raise _nothing_to_learn(counts["train"], config.max_length)
    rows = {part: _finish(files[part], directory / part, config) for part, writer in writers.items() if writer.rows}
    told = {part: {**counts[part], "rows": rows[part]} for part in rows}
    (directory / _COUNTS).write_text(json.dumps(told) + "\n", "utf-8")


def _nothing_to_learn(counts: Counter[str], max_length: int) -> DataError:
    too_long, without_questions = counts["dropped"], counts["without_questions"]
    if too_long:
        return DataError(
            f"none of {too_long} conversations fits into {max_length} tokens",
            hint="give a larger max_length, or shorter texts",
        )
    if without_questions:
        return DataError(
            f"none of {without_questions} conversations asks about its text: no answer follows that it was read",
            hint="make them with `ranit data conversations` or `augment`",
        )
    return DataError(
        "all conversations fell into the share for validation", hint="give more data, or --validation-share 0"
    )


def _part(dialogue: Dialogue, config: SftConfig) -> str:
    """By the record's id alone, so that runs that differ in seed or examples validate on the same records."""
    if config.validation or not config.validation_share:
        return "train"
    drawn = hashlib.sha256(dialogue.id.partition("/")[0].encode()).digest()
    return "validation" if int.from_bytes(drawn[:8]) < config.validation_share * 2**64 else "train"


class _Writer:
    """An Arrow file of token rows, written in batches."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        kind = pyarrow.list_(pyarrow.int32())
        self._schema = pyarrow.schema([("input_ids", kind), ("labels", kind)])
        self._file = pyarrow.RecordBatchStreamWriter(str(path), self._schema)
        self._batch: list[Tokens] = []
        self.rows = 0

    def add(self, tokens: Tokens) -> None:
        self._batch.append(tokens)
        self.rows += 1
        if len(self._batch) == ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        columns = [[row.input_ids for row in self._batch], [row.labels for row in self._batch]]
        self._file.write_batch(pyarrow.record_batch(columns, schema=self._schema))
        self._batch = []

    def close(self) -> None:
        if self._batch:
            self._flush()
        self._file.close()


def _finish(file: Path, directory: Path, config: SftConfig) -> int:
    """Shuffle and pack, save as a data set, and return its rows."""
    from datasets import Dataset, disable_progress_bars
    from trl import pack_dataset

    disable_progress_bars()
    rows = Dataset.from_file(str(file))
    if config.batching == "packed":
        mixed = rows.shuffle(seed=config.seed, keep_in_memory=True).flatten_indices(keep_in_memory=True)
        rows = pack_dataset(mixed, config.max_length, "bfd", {"keep_in_memory": True})
    rows.save_to_disk(str(directory))
    file.unlink()
    return len(rows)
