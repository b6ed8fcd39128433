"""Training texts that were written for this project, in blocks of one kind of text with the types that all of it is
annotated with.

A file ``LANGUAGE_NAME.txt`` has blocks between blank lines. The first line of a block names its types, the others are
a text each, in which entities stand as ``[words](type)``, one within another where they nest::

    # disease; drug
    She took [ibuprofen](drug) for her [tension headache](disease).

``python -m ranit_training.nano.written FILE …`` reads files and says what is wrong with them, or how much they hold;
with ``--spared 8 -o DIR`` it writes every eighth block of each file, which a recipe with ``spared: 8`` does not learn,
as an annotated set, and with ``--wide``, too, as one whose types are the wide kinds (``nano.kinds``) of the block's.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ranit_rag.errors import DataError
from ranit_rag.types import Entity, Example
from ranit_training.nano.kinds import wide_questions
from ranit_training.nano.pieces import relabelled, with_union

LANGUAGES = ("en", "zh")
_MARK = re.compile(r"\[|\]\(([^()]*)\)|\]")
_BETWEEN_TYPES = re.compile(r"\s*[;；]\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """Texts of one kind, annotated with all of ``labels``."""

    name: str
    language: str
    labels: tuple[str, ...]
    examples: tuple[Example, ...]


def read_written(path: Path) -> list[Block]:
    """The blocks of a file. Raises DataError, with the line, for what cannot be read as one."""
    language, _, name = path.stem.partition("_")
    if language not in LANGUAGES or not name:
        raise DataError(f"{path} does not tell its language", hint="call it en_NAME.txt or zh_NAME.txt")
    return [
        _block(f"{path.stem}_{number:02}", language, lines, path)
        for number, lines in enumerate(_blocks(path.read_text("utf-8").splitlines()), start=1)
    ]


def divided(blocks: Sequence[Block], spared: int) -> tuple[list[Block], list[Block]]:
    """The blocks of a file that are learned, and every ``spared``-th, which is not; 0 spares none."""
    numbered = list(enumerate(blocks, start=1))
    learned = [block for number, block in numbered if not spared or number % spared]
    return learned, [block for number, block in numbered if spared and not number % spared]


def widened(block: Block) -> Block | None:
    """The block annotated with the kinds of its types alone, by the first name of each; None where it has none."""
    members = {kind.asked[0]: own for kind, own in wide_questions(block.labels, block.labels, block.language, fewest=1)}
    examples = block.examples
    for name, own in members.items():
        examples = tuple(with_union(example, own, name) for example in examples)
    alone = tuple(relabelled(example, dict(zip(members, members, strict=True))) for example in examples)
    return Block(f"{block.name}_wide", block.language, tuple(members), alone) if members else None


def write_sets(blocks: Sequence[Block], directory: Path) -> None:
    """Each block as the test split of a set, ``NAME.jsonl.xz``."""
    directory.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        with lzma.open(directory / f"{block.name}.jsonl.xz", "wt", encoding="utf-8") as stream:
            for one in block.examples:
                spans = [{"start": each.start, "end": each.end, "label": each.label} for each in one.entities]
                row = {"id": one.id, "split": "test", "text": one.text, "entities": spans}
                row |= {"domain": block.name, "lang": block.language}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _blocks(lines: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    found: list[tuple[int, str]] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            found.append((number, line.strip()))
        elif found:
            yield found
            found = []


def _block(name: str, language: str, lines: Sequence[tuple[int, str]], path: Path) -> Block:
    number, first = lines[0]
    if not first.startswith("#"):
        raise DataError(f"{path}:{number}: a block begins with its types", hint="such as '# disease; drug'")
    labels = tuple(label for label in _BETWEEN_TYPES.split(first.lstrip("# ")) if label)
    if not labels:
        raise DataError(f"{path}:{number}: a block without types", hint="such as '# disease; drug'")
    return Block(name, language, labels, tuple(_example(*line, name, language, labels, path) for line in lines[1:]))


def _example(number: int, line: str, name: str, language: str, labels: Sequence[str], path: Path) -> Example:
    text, at = "", 0
    begun: list[int] = []
    entities: list[Entity] = []
    for mark in _MARK.finditer(line):
        text += line[at : mark.start()]
        at = mark.end()
        if mark[0] == "[":
            begun.append(len(text))
        elif not begun or mark[1] is None or mark[1] not in labels:
            raise DataError(f"{path}:{number}: {mark[0]!r} closes nothing, or its type is not the block's", hint=line)
        else:
            start = begun.pop()
            entities.append(Entity(text[start:], mark[1], start, len(text)))
    if begun:
        raise DataError(f"{path}:{number}: '[' without its type", hint=line)
    entities.sort(key=lambda entity: (entity.start, -entity.end))
    return Example(text + line[at:], tuple(entities), name, language, id=f"{name}-{number}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--spared", type=int, default=8, help="which blocks are written")
    parser.add_argument("--wide", action="store_true", help="write them with the kinds of their types, too")
    parser.add_argument("-o", "--output", type=Path, help="a directory to write them to")
    options = parser.parse_args()
    for path in options.files:
        try:
            blocks = read_written(path)
        except DataError as error:
            sys.exit(f"{error}\n{error.hint}")
        if options.output:
            spared = divided(blocks, options.spared)[1]
            wide = filter(None, map(widened, spared)) if options.wide else ()
            write_sets([*spared, *wide], options.output)
        for block in blocks:
            counts = Counter(entity.label for example in block.examples for entity in example.entities)
            told = ", ".join(f"{label} {counts[label]}" for label in block.labels)
            print(f"{block.name}: {len(block.examples)} texts; {told}")


if __name__ == "__main__":
    main()
