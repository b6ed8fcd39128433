"""What several runs of ``evaluate.py`` printed, each of some sets or arms, as one: ``python joined.py FILE ...``.

Means are those of the numbers in the rows, which have one decimal.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean

from evaluate import ARMS, DATA, WHERE

HEADER = re.compile(r"\| set \| (.+) \|")
ROW = re.compile(r"\| (?!set |mean)(\w+) \| (.+) \|")
LANGUAGES = {"en": "English", "zh": "Chinese"}


def sections(lines: Iterable[str]) -> dict[str, list[str]]:
    """The lines below each heading, those of the same heading together."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in lines:
        if line.startswith("### "):
            title = line
        elif line:
            found.setdefault(title, []).append(line)
    return found


def joined(lines: Iterable[str]) -> Iterator[str]:
    """One table of all rows and columns with their means, and what was said below."""
    cells, below = _read(lines)
    names = sorted(dict.fromkeys(name for row in cells.values() for name in row), key=_place)
    rows = {name: [row.get(column, "") for column in names] for name, row in sorted(cells.items())}
    yield f"| set | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    yield from (f"| {name} | {' | '.join(row)} |" for name, row in rows.items())
    if names[0] == "ECE":
        yield f"\nThe mean of the errors is {mean(_number(row[0]) for row in rows.values()):.3f}."
        return
    for language, spoken in LANGUAGES.items():
        columns = zip(*(row for name, row in rows.items() if _language(name) == language), strict=True)
        means = [f"**{mean(map(_number, column)):.1f}**" if all(column) else "" for column in columns]
        if means:
            yield f"| mean, {spoken} | {' | '.join(means)} |"
    if WHERE in below:
        yield f"\n{WHERE}\n"
        yield from [line for line in below if line != WHERE] or ["nowhere."]


def _read(lines: Iterable[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The cells of all tables by set and column, and the lines about single sets."""
    cells: dict[str, dict[str, str]] = {}
    columns: list[str] = []
    below: list[str] = []
    for line in lines:
        if header := HEADER.fullmatch(line):
            columns = header[1].split(" | ")
        elif row := ROW.fullmatch(line):
            cells.setdefault(row[1], {}).update(zip(columns, row[2].split(" | "), strict=True))
        elif line == WHERE or line.startswith("- "):
            below.append(line)
    return cells, below


def _place(column: str) -> int:
    """Arms in their order; all other columns as they are."""
    arms = [arm.name for arm in ARMS]
    return arms.index(column) if column in arms else 0


def _number(cell: str) -> float:
    """The number at the start of a cell."""
    return float(re.split("[ ,]", cell)[0])


def _language(name: str) -> str:
    with lzma.open(DATA / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
        return str(json.loads(next(file))["lang"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    read = (line for file in parser.parse_args().files for line in file.read_text("utf-8").splitlines())
    for title, lines in sections(read).items():
        print(f"\n{title}\n")
        print("\n".join(joined(lines)))


if __name__ == "__main__":
    main()
