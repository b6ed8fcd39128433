"""Conversations as the token ids that ``tune`` reads.

``python -m ranit_training.nano.encode FILE … -o OUT.npz`` reads what ``ranit data conversations`` and ``ranit data
augment`` write, with the embedded model's tokenizer.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ranit_rag.engines.chat import PromptBuilder
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError
from ranit_training.layouts import completed
from ranit_training.nano.branches import Branched, encode_branched
from ranit_training.sft.dialogues import Dialogue, load_dialogues

LONGEST = 2048
_AT_ONCE = 500


def encode(paths: Sequence[Path], longest: int = LONGEST, *, processes: int = 1) -> list[Branched]:
    """The conversations of the files, in order, less those of which no query fits into ``longest`` tokens."""
    dialogues = list(load_dialogues(paths))
    work = partial(_encode, longest=longest)
    if processes == 1:
        return [one for one in map(work, dialogues) if one is not None]
    with get_context("spawn").Pool(processes) as pool:
        return [one for one in pool.imap(work, dialogues, _AT_ONCE) if one is not None]


def _encode(dialogue: Dialogue, longest: int) -> Branched | None:
    return encode_branched(dialogue, prompts(), longest)


@cache
def prompts() -> PromptBuilder:
    """Of the embedded model, whose tokenizer all small models share."""
    from transformers import AutoTokenizer

    return PromptBuilder(AutoTokenizer.from_pretrained(embedded_model()))


def write_branched(conversations: Sequence[Branched], path: Path) -> None:
    """All of them end to end, with their lengths."""
    with completed(path) as partial_path, partial_path.open("wb") as stream:
        np.savez(
            stream,
            ids=np.concatenate([one.ids for one in conversations]),
            branches=np.concatenate([one.branches for one in conversations]),
            learned=np.packbits(np.concatenate([one.learned for one in conversations])),
            lengths=np.array([len(one) for one in conversations], np.int32),
        )


def read_branched(path: Path) -> list[Branched]:
    """What ``write_branched`` wrote. Raises DataError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            ids, branches, lengths = stored["ids"], stored["branches"], stored["lengths"]
            learned = np.unpackbits(stored["learned"], count=len(ids)).astype(np.bool_)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot read {path}: {error}", hint="write it with ranit_training.nano.encode") from error
    ends = np.cumsum(lengths)
    spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return [Branched(ids[span], branches[span], learned[span]) for span in spans]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--length", type=int, default=LONGEST, help="tokens of the longest conversation")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    found = encode(options.files, options.length, processes=options.processes)
    if not found:
        raise DataError("there is no conversation that fits", hint="a larger --length")
    write_branched(found, options.output)


if __name__ == "__main__":
    main()
