"""The inference study of the RA-IT paper on the embedded model, written to ``docs/inference-study.md`` with its plots.

``python -m tests.bench.inference_study [--sample 100] [--journal FILE]``. Reads the annotated sets that lie beside the
repository; the evaluation sets were never trained on. Goes on where a run with the same journal was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.checkpoint import FILE_NAME, embedded_model
from ranit_rag.evaluation.arms import ablation
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import Selection, read_set
from ranit_rag.evaluation.experiment import Experiment, run_experiment
from ranit_rag.evaluation.report.charts import charts
from ranit_rag.evaluation.report.document import Report, Result
from ranit_rag.evaluation.report.markdown import tables_markdown
from ranit_rag.evaluation.report.tables import details, overview
from ranit_rag.evaluation.routing_sets import read_routing_set
from ranit_rag.evaluation.runner import Model
from ranit_rag.evaluation.significance import Comparison, compare_f1
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores.memory import MemoryStores

EVALUATED = {
    "en": "mit_movie crossner_ai crossner_politics crossner_science",
    "zh": "boson_zh cluener2020 cmeee",
}
# UniversalNER never asks for what is left over.
NOT_ASKED = {
    "crossner_ai": ("miscellaneous",),
    "crossner_politics": ("miscellaneous",),
    "crossner_science": ("miscellaneous",),
}
OUT_OF_DOMAIN = {
    "en": "gum_ner gmb_kaggle conll2003 bio_bc5cdr bio_craft stackoverflow_ner litbank broad_twitter snips cyner "
    "wikigold wetlab_protocols",
    "zh": "msra ecommerce_zh resume_zh youku_zh tianchi_tcm_zh video_music_book_zh ecsa_zh ontonotes4_zh classical_zh",
}
LANGUAGES = {"en": "English", "zh": "Chinese"}
HOLDS, FAILS, OPEN = "holds", "does not hold", "not settled"
DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim of the paper: the ``better`` arm against the ``worse``."""

    claim: str
    better: str
    worse: str


FINDINGS = (
    Finding("In-domain examples help: a pool of 8", "in-domain 8", "none"),
    Finding("In-domain examples help: a pool of 32", "in-domain 32", "none"),
    Finding("In-domain examples help: all there are", "in-domain all", "none"),
    Finding("A larger in-domain pool helps more", "in-domain all", "in-domain 8"),
    Finding("Unfiltered out-domain examples hurt", "none", "out-domain NN"),
    Finding("The BM25 filter mends out-domain examples", "out-domain NN + BM25", "out-domain NN"),
    Finding("BM25-filtered out-domain examples are better than none", "out-domain NN + BM25", "none"),
    Finding(
        "Diverse examples are better than the nearest, both filtered",
        "out-domain diverse NN + BM25",
        "out-domain NN + BM25",
    ),
    Finding("In-domain examples are better than out-domain ones", "in-domain all", "out-domain NN + BM25"),
    Finding("The judge is better than no examples (ours)", "judge", "none"),
    Finding("The judge is better than BM25 alone (ours)", "judge", "out-domain NN + BM25"),
    Finding("Precedents help beside the examples (ours)", "judge and precedents", "judge"),
)


def experiment(data: Path, sample: int, stored: int, most_own: int, dtype: str | None) -> Experiment:
    """The sets, the arms of the paper, and a pool of other sets' texts for each language, as the paper has one."""
    stores = MemoryStores()
    for language, names in OUT_OF_DOMAIN.items():
        pool = stores.open(f"other sets ({language})", default_embedder(language), create=True)
        for name in names.split():
            pool.add(read_routing_set(data / f"{name}.jsonl.xz", language, stored=stored, queries=0).examples)
    sets = [
        read_set(data / f"{name}.jsonl.xz", Selection(sample=sample, without=NOT_ASKED.get(name, ())))
        for names in EVALUATED.values()
        for name in names.split()
    ]
    settings = Settings(dtype=dtype)
    models = [Model("embedded", open_engine(settings), settings)]
    return Experiment(models, sets, ablation("paper"), stores, most_own)


def findings(report: Report) -> Iterator[str]:
    """The claims with the difference that was found in each language, in words and as a table."""
    rows = []
    verdicts: dict[str, list[str]] = {HOLDS: [], FAILS: [], OPEN: []}
    for finding in FINDINGS:
        cells = []
        for language, spoken in LANGUAGES.items():
            names = [each.name for each in report.sets if each.language == language]
            compared = compare_f1(_sample(report, finding.worse, names), _sample(report, finding.better, names))
            verdict = _verdict(compared)
            verdicts[verdict].append(f"{finding.claim} ({spoken})")
            cells += [_difference(compared), verdict]
        rows.append(f"| {finding.claim} | {' | '.join(cells)} |")
    for verdict in (HOLDS, FAILS):
        yield f"- {verdict.capitalize()}: {'; '.join(verdicts[verdict]) or 'none'}."
    count = len(FINDINGS) * len(LANGUAGES)
    yield f"- {OPEN.capitalize()}: the other {len(verdicts[OPEN])} of {count}. One in twenty has p < 0.05 by "
    yield "  chance alone."
    yield from ("", "| claim | English | | Chinese | |", "|---|---:|---|---:|---|", *rows, "")
    shown = {each.arm: each.examples for each in report.summaries()}
    filtered = shown["out-domain NN + BM25"]
    yield f"The BM25 threshold of 20 lets {filtered:.2f} examples a text through, where the nearest would be "
    yield f"{shown['out-domain NN']:.2f}: scores grow with a pool and with a text, and most of these texts are one "
    yield "sentence. So the filtered arms are nearly the arm without examples, and say little about filtering as such."


def _sample(report: Report, arm: str, names: list[str]) -> Mapping[str, list[Counts]]:
    return {name: [Counts(*counts) for counts in report.result(arm, name).counts] for name in names}


def _difference(compared: Comparison) -> str:
    change = compared.difference
    return f"{change.value * 100:+.1f} ({change.low * 100:+.1f} … {change.high * 100:+.1f})"


def _verdict(compared: Comparison) -> str:
    if compared.p_value >= 0.05:
        return OPEN
    return HOLDS if compared.difference.value > 0 else FAILS


def document(report: Report, method: str) -> str:
    """The page in ``docs``."""
    plots = "\n".join(f"![{chart.title}](inference-study/{name}.svg)\n" for name, chart in charts(report).items())
    return "\n".join(
        [
            "# The paper's inference study on the embedded model",
            "",
            method,
            "",
            "## Which findings hold",
            "",
            "In points of F1 with the 95 % interval; a claim holds, or does not hold, where p < 0.05.",
            "",
            *findings(report),
            "",
            "## Plots",
            "",
            plots,
            tables_markdown([*overview(report), *details(report)]),
            "",
        ]
    )


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RANIT_SHARED_DATA", beside)))
    parser.add_argument("--sample", type=int, default=100, help="texts of each evaluation set")
    parser.add_argument("--stored", type=int, default=250, help="texts of each set out of domain")
    parser.add_argument("--most-own", type=int, default=300, help="the most in-domain examples")
    parser.add_argument("--dtype", help="bfloat16 is faster where the CPU computes in it")
    parser.add_argument("--journal", type=Path, default=Path("inference-study.jsonl"))
    given = parser.parse_args()
    started = time.perf_counter()

    def tell(result: Result) -> None:
        passed = time.perf_counter() - started
        print(f"{passed:6.0f} s  {result.set:20} {result.arm:30} F1 {result.mentions.f1:.3f}", flush=True)

    planned = experiment(given.data / "ner", given.sample, given.stored, given.most_own, given.dtype)
    print(f"{time.perf_counter() - started:6.0f} s  stores and sets are there", flush=True)
    report = run_experiment(planned, given.journal, on_result=tell)
    pools = " and ".join(f"{each.examples:,}" for each in report.stores)
    version = json.loads((embedded_model() / FILE_NAME).read_text("utf-8"))["version"]
    dtype = f" --dtype {given.dtype}" if given.dtype else ""
    method = (
        f"Made by `python -m tests.bench.inference_study --sample {given.sample} --stored {given.stored} --most-own "
        f"{given.most_own}{dtype}` with RANIT {report.ranit} and version {version} of the embedded model. "
        f"{given.sample} texts of each evaluation set, drawn with seed {report.seed}; the model was trained on none of "
        "these sets. All types of a set are asked of each text, but for CrossNER's miscellaneous. In-domain pools are "
        f"drawn from the set's own train split, {given.most_own} texts at most. Out of domain there is one pool for "
        f"each language, English and Chinese with {pools} texts of {len(OUT_OF_DOMAIN['en'].split())} and "
        f"{len(OUT_OF_DOMAIN['zh'].split())} other sets, which the model has partly seen in training; the paper's have "
        "5,000 texts and more. k = 2, and the judge has both pools.\n\n"
        "The embedded model has 32 M parameters: what holds for it need not hold for one of 8 B, nor the other way "
        "round. With this many texts, differences of less than two or three points cannot be told from chance."
    )
    (DOCS / "inference-study").mkdir(parents=True, exist_ok=True)
    for name, chart in charts(report).items():
        (DOCS / "inference-study" / f"{name}.svg").write_text(chart.to_svg() + "\n", encoding="utf-8")
    (DOCS / "inference-study.md").write_text(document(report, method), encoding="utf-8")


if __name__ == "__main__":
    main()
