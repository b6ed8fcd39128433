"""What the embedded model asks of a laptop: seconds to the first answer, peak memory, texts per second.

``python -m tests.bench.footprint [--cores 2] [--repeats 5] [--texts 100]`` prints a Markdown report. Every start is
``ranit extract`` as a process of its own, timed until its answer is printed: on a home folder that is there (a cold
start), and on one that is not (the first use ever, which builds seed stores). Rates are those of one more process for
each arm. The arms take turns. Memory and computing time are what the system says of the process when it has ended
(``ru_maxrss``, ``ru_utime``): on a busy machine the latter tells more than the clock. Files are in the system's cache:
one start of each kind that is not counted puts them there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ranit_rag import Extraction, Ranit, Request
from ranit_rag.stores.seeds import seed_examples, seed_names

STARTS = {
    "English": ("Metformin lowered blood glucose in patients with type 2 diabetes.", ("drug", "disease")),
    "Chinese": ("患者因急性支气管炎入院，给予阿奇霉素治疗后咳嗽症状缓解。", ("疾病", "药物")),
}
RATES = {"no examples": "never", "seed stores, calibrated judge": "calibrated"}
TYPES = 8
PACKAGES = ("torch", "transformers", "chromadb", "numpy")
HEADER = (
    "| {} | {}, median | min | max | computing, s | peak memory, MB | answers |\n|---|---:|---:|---:|---:|---:|---|"
)


@dataclass(slots=True)
class Runs:
    """The runs of one arm: seconds or a rate, what the processes used, and what they answered."""

    values: list[float] = field(default_factory=list)
    used: list[resource.struct_rusage] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def keep(self, value: float, used: resource.struct_rusage, answer: Any) -> None:
        self.values.append(value)
        self.used.append(used)
        self.answers.append(answer)

    def row(self, name: str) -> str:
        equal = all(answer == self.answers[0] for answer in self.answers)
        computed = statistics.median(used.ru_utime + used.ru_stime for used in self.used)
        return (
            f"| {name} | {statistics.median(self.values):.2f} | {min(self.values):.2f} | {max(self.values):.2f} | "
            f"{computed:.1f} | {max(used.ru_maxrss for used in self.used) / 1000:,.0f} | "
            f"{'equal' if equal else '**DIFFERENT**'} |"
        )


def started(arguments: Sequence[str], home: Path) -> tuple[float, resource.struct_rusage, str]:
    """Run a Python process: seconds until it has printed its first line, what it used in all, and that line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RANIT_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], env={**environment, "RANIT_HOME": str(home)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    seconds = time.perf_counter() - began
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not line:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return seconds, usage, line


def first_answer(language: str, home: Path) -> tuple[float, resource.struct_rusage, Any]:
    """A start of ``ranit extract``, with its answer less what it says of the time it took."""
    text, types = STARTS[language]
    asked = [part for name in types for part in ("-t", name)]
    seconds, used, line = started(["-m", "ranit_rag", "extract", text, *asked, "--format", "jsonl"], home)
    answer = json.loads(line)
    if answer["coverage"] < 1 or answer["decisions"][0]["route"] != "in_domain":
        raise SystemExit(f"not read with examples: {line}")
    return seconds, used, {**answer, "usage": None}


def measure_starts(repeats: int, home: Path) -> dict[str, Runs]:
    """All kinds of starts by turns. ``home`` is left with the seed stores of both languages."""
    arms = [
        "torch and transformers alone, imported",
        *(f"{kind}, {name}" for kind in ("cold start", "first use ever") for name in STARTS),
    ]
    runs = {arm: Runs() for arm in arms}
    for turn in range(repeats + 1):
        for arm in arms:
            kind, _, language = arm.partition(", ")
            if language not in STARTS:
                code = "import torch; from transformers import AutoTokenizer, LlamaForCausalLM; print('there')"
                measured = started(["-c", code], home)
            elif kind == "cold start":
                measured = first_answer(language, home)
            else:
                with tempfile.TemporaryDirectory() as new:
                    measured = first_answer(language, Path(new) / "home")
            if turn:  # the first fills the system's cache, and the home that is to be there
                runs[arm].keep(*measured)
    for language in STARTS:  # a store that is built now or was built before must not show in any answer
        runs[f"cold start, {language}"].answers += runs[f"first use ever, {language}"].answers
    return runs


def workload(texts: int) -> list[Request]:
    """Seed texts of all domains in turn, each with the eight most frequent types of its domain."""
    asked = {}
    for name in seed_names():
        labels = [label for example in seed_examples(name) for label in example.labels]
        asked[name] = sorted(dict.fromkeys(labels), key=lambda label: -labels.count(label))[:TYPES]
    domains = seed_names()
    pairs = ((domains[i % len(domains)], i // len(domains)) for i in range(texts))
    return [Request(seed_examples(name)[row].text, asked[name]) for name, row in pairs]


def measure_rate(judge: str, texts: int) -> None:
    """In a process of its own: print the texts per second, and what was found and decided."""
    ner = Ranit(judge=judge)
    requests = workload(texts)
    for request in requests[: len(seed_names())]:  # what is loaded late is loaded now, in both languages
        ner.extract(request.text, request.types)
    began = time.perf_counter()
    found = list(ner.extract_many(requests))
    rate = texts / (time.perf_counter() - began)
    answers = [[_entities(one), one.decision.to_dict()] for one in found if isinstance(one, Extraction)]
    if len(answers) != texts:
        raise SystemExit(f"{texts - len(answers)} of {texts} texts failed")
    print(json.dumps([rate, answers]))


def _entities(extraction: Extraction) -> list[tuple[int, int, str]]:
    return [(entity.start, entity.end, entity.label) for entity in extraction.entities]


def measure_rates(repeats: int, texts: int, home: Path) -> dict[str, Runs]:
    runs = {arm: Runs() for arm in RATES}
    for _ in range(repeats):
        for arm, judge in RATES.items():
            command = ["-m", "tests.bench.footprint", "--rate", judge, "--texts", str(texts)]
            _, used, line = started(command, home)
            rate, answers = json.loads(line)
            runs[arm].keep(rate, used, answers)
    return runs


def rows(runs: Mapping[str, Runs]) -> Iterator[str]:
    yield from (each.row(arm) for arm, each in runs.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2, help="cores to run on, of those that there are")
    parser.add_argument("--repeats", type=int, default=5, help="of each start; rates are measured three times")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--rate", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rate:
        measure_rate(given.rate, given.texts)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    told = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(
        f"## Footprint\n\n`python -m tests.bench.footprint`\n\n{platform.machine()}, {given.cores} cores, load "
        f"{os.getloadavg()[0]:.1f} before, Python {platform.python_version()}, {told}; embedded model, float32. "
        f"Starts: {given.repeats} of each kind by turns, after one that is not counted.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        starts = measure_starts(given.repeats, home)
        print(HEADER.format("first answer", "s"))
        print("\n".join(rows(starts)), flush=True)
        rates = measure_rates(3, given.texts, home)
    print(f"\n{given.texts} texts × {TYPES} types, 3 times by turns:\n")
    print(HEADER.format("rate", "texts/s"))
    print("\n".join(rows(rates)))


if __name__ == "__main__":
    main()
