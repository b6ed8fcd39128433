"""The tables of the experiment: ``python training/experiments/claim/report.py ARMS ANSWERS > tables.md``.

ARMS is ``arms.jsonl``, ANSWERS the folder with a file of answers for each run. F1 is UniversalNER's, micro over a set's
texts, and the mean over sets; texts are drawn anew for the intervals, and runs of several seeds count as one that
answered every text several times.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ranit_rag.evaluation.counts import Counts, total
from ranit_rag.evaluation.metrics import mention_counts
from ranit_rag.evaluation.significance import Estimate, Sample, compare_f1, estimate_f1

Row = dict[str, Any]
Scores = dict[str, dict[str, list[Counts]]]  # arm → set → texts
LANGUAGES = {"English": "en", "Chinese": "zh"}


def main(arms_file: Path, answers: Path) -> None:
    rows = {(row["set"], row["id"]): row for row in read(arms_file)}
    arms = list(dict.fromkeys(arm for row in rows.values() for arm in row["arms"]))
    sets = {name: [row["set"] for row in rows.values() if row["language"] == code] for name, code in LANGUAGES.items()}
    sets = {name: list(dict.fromkeys(found)) for name, found in sets.items()}
    seeds: dict[str, list[Scores]] = defaultdict(list)
    for path in sorted(answers.glob("*.jsonl")):
        seeds[path.name.partition(".")[0]].append(scores(path, rows))
    models = {strategy: pooled(found) for strategy, found in seeds.items()}
    told = ", ".join(f"{strategy} ({len(found)})" for strategy, found in seeds.items())
    print(f"Strategies of training, with the number of seeds: {told}.")
    for language, names in sets.items():
        f1 = {name: [cell(estimate_f1(part(of[arm], names))) for arm in arms] for name, of in models.items()}
        over_none = {
            name: [cell(compare_f1(part(models["none"][arm], names), part(of[arm], names)).difference) for arm in arms]
            for name, of in models.items()
            if name != "none"
        }
        over_plain = {
            name: [
                cell(compare_f1(part(models["none"]["none"], names), part(of[arm], names)).difference) for arm in arms
            ]
            for name, of in models.items()
            if name != "none"
        }
        over_no_examples = {
            name: [cell(compare_f1(part(of["none"], names), part(of[arm], names)).difference) for arm in arms[1:]]
            for name, of in models.items()
        }
        print(f"\n### {language}: mean F1 over {', '.join(names)}\n")
        print(table(["trained with", *arms], f1))
        print(f"\n### {language}: points of F1 over the model trained without examples, same arm\n")
        print(table(["trained with", *arms], over_none))
        print(f"\n### {language}: points of F1 over the model trained without examples and shown none\n")
        print(table(["trained with", *arms], over_plain))
        print(f"\n### {language}: points of F1 over the same model shown no examples\n")
        print(table(["trained with", *arms[1:]], over_no_examples))
    for strategy in ("none", "nn"):
        print(f"\n### Each set, trained with {strategy}\n")
        each = {
            name: [f"{100 * total(models[strategy][arm][name]).f1:.1f}" for arm in arms]
            for names in sets.values()
            for name in names
        }
        print(table(["set", *arms], each))


def scores(path: Path, rows: dict[tuple[str, str], Row]) -> Scores:
    made: Scores = defaultdict(lambda: defaultdict(list))
    for answer in read(path):
        row = rows[answer["set"], answer["id"]]
        counts = mention_counts(answer["found"], row["gold"], row["types"])
        made[answer["arm"]][answer["set"]].append(total(counts.values()))
    return made


def pooled(runs: list[Scores]) -> Scores:
    """The counts of each text summed over the runs, which answered the same texts in the same order."""
    first = runs[0]
    return {
        arm: {
            name: [total(counts) for counts in zip(*(run[arm][name] for run in runs), strict=True)]
            for name in first[arm]
        }
        for arm in first
    }


def part(arm: dict[str, list[Counts]], sets: Iterable[str]) -> Sample:
    return {name: arm[name] for name in sets}


def cell(found: Estimate) -> str:
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def table(head: list[str], lines: dict[str, list[str]]) -> str:
    rows = [head, ["---"] * len(head), *([name, *cells] for name, cells in lines.items())]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
