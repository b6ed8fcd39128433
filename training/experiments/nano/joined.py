"""What several runs of ``evaluate.py`` printed, each of some sets, as one: ``python joined.py FILE ...``.

Means are those of the numbers in the rows, which have one decimal.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from evaluate import DATA, WHERE

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


def joined(lines: Sequence[str]) -> Iterator[str]:
    """One table of all rows with their means, and what was said below."""
    rows = {match[1]: match[2] for line in lines if (match := ROW.fullmatch(line))}
    yield from lines[:2]
    yield from (f"| {name} | {cells} |" for name, cells in sorted(rows.items()))
    if "| ECE |" in lines[0]:
        if rows:
            yield f"\nThe mean of the errors is {mean(_numbers(cells)[0] for cells in rows.values()):.3f}."
        return
    for language, spoken in LANGUAGES.items():
        columns = zip(*(_numbers(cells) for name, cells in rows.items() if _language(name) == language), strict=True)
        if cells := " | ".join(f"**{mean(column):.1f}**" for column in columns):
            yield f"| mean, {spoken} | {cells} |"
    if WHERE in lines:
        yield f"\n{WHERE}\n"
        yield from [line for line in lines if line.startswith("- ")] or ["nowhere."]


def _numbers(cells: str) -> list[float]:
    """The number at the start of each cell."""
    return [float(re.split("[ ,]", cell)[0]) for cell in cells.split(" | ")]


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
