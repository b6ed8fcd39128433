"""The text that the small model is pre-trained on, as one array of token ids.

``python -m ranit_training.nano.corpus CONFIG -o tokens.npy``: plain text files, each up to a number of characters, and
the sentences of annotated sets. Documents are cut into pieces, the pieces shuffled, and each ended with the end token.
"""

from __future__ import annotations

import argparse
import lzma
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError
from ranit_rag.progress import track
from ranit_rag.text.duplicates import text_fingerprint
from ranit_training.layouts import completed
from ranit_training.nano.config import CorpusConfig, read_section
from ranit_training.sources import load_records

PIECE = 4_000  # characters
END = "<|endoftext|>"
PIECES_AT_ONCE = 512

Tokens = NDArray[np.uint16]


def pieces(config: CorpusConfig) -> list[str]:
    """All pieces of text in random order. Raises DataError where a file is missing."""
    rng = random.Random(config.seed)
    found = list(_sentences(config))
    for path in sorted(config.text.glob("*.txt.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            text = stream.read()
        parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        rng.shuffle(parts)
        cap = config.characters.get(path.name.partition(".")[0])
        found += parts if cap is None else parts[: max(1, cap // PIECE)]
    if not found:
        raise DataError(f"there is no text in {config.text}", hint="name the folders in the section 'corpus'")
    rng.shuffle(found)
    return found


def _sentences(config: CorpusConfig) -> Iterator[str]:
    """The sentences of the annotated sets, many in a piece; none that an evaluation set has, in any split."""
    held = {text_fingerprint(text) for name in config.held_out for text in _texts(config.sets, name, None)}
    for path in sorted(config.sets.glob("*.jsonl.xz")):
        name = path.name.partition(".")[0]
        if name in (*config.held_out, *config.left_out):
            continue
        kept = [text for text in _texts(config.sets, name, "train") if text_fingerprint(text) not in held]
        yield from _joined(kept)


def _texts(folder: Path, name: str, split: str | None) -> list[str]:
    try:
        return [record.text for record in load_records([folder / f"{name}.jsonl.xz"], split=split)]
    except DataError:
        if split is None:
            raise
        return []  # a set without that split


def _joined(texts: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= PIECE:
            yield "\n".join(block)
            block, size = [], 0
    if block:
        yield "\n".join(block)


def encode(texts: list[str], tokenizer: Any, *, progress: bool = False) -> Tokens:
    """The ids of all texts, one after the other, with the end token behind each."""
    end = tokenizer.token_to_id(END)
    encoded: list[Tokens] = []
    starts = range(0, len(texts), PIECES_AT_ONCE)
    for start in track(starts, total=len(starts), shown=progress, what=f"blocks of {PIECES_AT_ONCE} pieces"):
        for item in tokenizer.encode_batch(texts[start : start + PIECES_AT_ONCE], add_special_tokens=False):
            encoded.append(np.array([*item.ids, end], np.uint16))
    return np.concatenate(encoded)


def main() -> None:
    from tokenizers import Tokenizer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    corpus = read_section(options.config, "corpus", CorpusConfig)
    tokenizer = Tokenizer.from_file(str(embedded_model() / "tokenizer.json"))
    tokens = encode(pieces(corpus), tokenizer, progress=True)
    with completed(options.output) as partial, partial.open("wb") as stream:
        np.save(stream, tokens)


if __name__ == "__main__":
    main()
