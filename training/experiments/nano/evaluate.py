"""The numbers of the embedded model's card: ``python training/experiments/nano/evaluate.py [CHECKPOINT] > tables.md``.

UniversalNER's micro F1 under the grammar, on the evaluation sets and on the test (else dev) split of every training set
that has one which was not trained on, of texts shown

- ``none``: no examples;
- ``seeds``: what the judge chooses from the seed stores;
- ``nearest``: the nearest of the set's own train split, without a judge;
- ``own 8``, ``own 32``, ``own all``: what the judge chooses from the seed stores and as many texts of that split;
- ``own all, examples``: likewise, without precedents (see ``ranit_rag.precedents``), which all others have.

Answers are kept in the journal, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.checkpoint import FILE_NAME, embedded_model
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet, Selection, read_set, read_splits
from ranit_rag.evaluation.experiment import Experiment, run_experiment
from ranit_rag.evaluation.report.document import Report, Result
from ranit_rag.evaluation.runner import Model
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.stores.seeds import build_seeds
from ranit_rag.types import Example
from ranit_training.nano.config import MixtureConfig, read_section
from ranit_training.nano.mixture import learned_split

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "ner"
RECIPE = Path(__file__).resolve().parents[2] / "ranit_training" / "nano" / "nano.yaml"
EVALUATED = ("crossner_ai", "crossner_politics", "crossner_science", "mit_movie", "boson_zh", "cluener2020", "cmeee")
WHERE = "Where the judge or the examples do not help:"
WITHIN = 0.005  # F1 that the judge may lose against the better of no examples and the nearest

NONE, SEEDS, NEAREST, ALL = "none", "seeds", "nearest", "own all"
ARMS = (
    Arm("never", name=NONE),
    Arm("calibrated", name=SEEDS),
    Arm("always", pool=None, others=False, name=NEAREST),
    Arm("calibrated", pool=8, name="own 8"),
    Arm("calibrated", pool=32, name="own 32"),
    Arm("calibrated", pool=None, name=ALL),
    Arm("calibrated", pool=None, precedents=False, name=f"{ALL}, examples"),
)

SEEN_ARMS = tuple(arm for arm in ARMS if arm.name in (NONE, NEAREST, ALL, f"{ALL}, examples"))


def evaluation_sets(sample: int, names: Collection[str]) -> Iterator[EvaluationSet]:
    for name in (each for each in EVALUATED if each in names or not names):
        without = ("miscellaneous",) if name.startswith("crossner") else ()
        yield read_set(DATA / f"{name}.jsonl.xz", Selection(sample=sample, without=without))


def seen_sets(recipe: Path, checkpoint: Path, sample: int, names: Collection[str] = ()) -> Iterator[EvaluationSet]:
    """The sets that the checkpoint's card names, by a split that it was not trained on; labels as in training."""
    labels = read_section(recipe, "mixture", MixtureConfig).labels
    for each in json.loads((checkpoint / FILE_NAME).read_text("utf-8"))["data"]:
        path = DATA / each["path"]
        if not path.is_file():  # texts of ours, all of which are learned
            continue
        if names and path.name.removesuffix(".jsonl.xz") not in names:
            continue
        splits = read_splits(path)
        learned = learned_split(splits)
        kept_out = [split for split in ("test", "dev") if split in splits and split != learned]
        if kept_out:
            found = read_set(path, Selection(kept_out[0], sample, own=learned))
            yield renamed(found, labels.get(found.name, {}))


def renamed(found: EvaluationSet, labels: Mapping[str, str | None]) -> EvaluationSet:
    """The set with other names for some labels, without those whose name is None."""

    def under(example: Example) -> Example:
        called = [(entity, labels.get(entity.label, entity.label)) for entity in example.entities]
        return replace(example, entities=tuple(replace(entity, label=name) for entity, name in called if name))

    if not labels:
        return found
    types = dict.fromkeys(name for label in found.types if (name := labels.get(label, label)))
    return replace(
        found, types=tuple(types), examples=tuple(map(under, found.examples)), own=tuple(map(under, found.own))
    )


def seed_stores() -> MemoryStores:
    stores = MemoryStores()
    build_seeds(stores, default_embedder)
    return stores


def table(report: Report, names: Sequence[str]) -> Iterator[str]:
    """F1 of each set and arm with its interval, and the means."""
    arms = [arm.name for arm in report.arms]
    yield f"| set | {' | '.join(arms)} |"
    yield "|---" * (len(arms) + 1) + "|"
    for name in names:
        yield f"| {name} | {' | '.join(_cell(report.result(arm, name)) for arm in arms)} |"
    for language, spoken in (("en", "English"), ("zh", "Chinese")):
        kept = [each.name for each in report.sets if each.language == language and each.name in names]
        if kept:
            means = [sum(report.result(arm, name).mentions.f1 for name in kept) / len(kept) for arm in arms]
            yield f"| mean, {spoken} | {' | '.join(f'**{100 * mean:.1f}**' for mean in means)} |"


def _cell(result: Result) -> str:
    score = result.mentions
    interval = "" if score.low is None or score.high is None else f" [{100 * score.low:.0f}, {100 * score.high:.0f}]"
    return f"{100 * score.f1:.1f}{interval}"


def told(found: EvaluationSet) -> float:
    """The share of a set's entities whose words its own store annotates with their type."""
    annotated = {(entity.text.casefold(), entity.label) for example in found.own for entity in example.entities}
    there = [(entity.text.casefold(), entity.label) for example in found.examples for entity in example.entities]
    return sum(entity in annotated for entity in there) / max(1, len(there))


def judged(report: Report, found: Sequence[EvaluationSet]) -> Iterator[str]:
    """Sets on which the judge is worse than the better of no examples and the nearest, or examples do not help."""
    for each in found:
        f1 = {arm: report.result(arm, each.name).mentions.f1 for arm in (NONE, NEAREST, ALL)}
        best = max(f1[NONE], f1[NEAREST])
        store = f"{100 * told(each):.0f} % of its entities stand in the store with their type"
        if f1[ALL] < best - WITHIN:
            yield f"- {each.name}: the judge {100 * f1[ALL]:.1f}, the better of the two {100 * best:.1f}; {store}"
        if f1[ALL] <= f1[NONE]:
            yield f"- {each.name}: examples do not help, {100 * f1[ALL]:.1f} against {100 * f1[NONE]:.1f}; {store}"


def scores(report: Report, names: Sequence[str], arm: str) -> Iterator[str]:
    """The calibration error of each set in an arm, and F1 as unsure mentions are withheld."""
    yield "| set | ECE | F1, share kept: all | from 0.25 | from 0.5 | from 0.75 |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        found = report.result(arm, name).calibration
        if found is not None:
            kept = {round(point.threshold, 2): point for point in found.abstention}
            cells = [f"{100 * kept[at].f1:.1f}, {kept[at].kept:.2f}" for at in (0.0, 0.25, 0.5, 0.75)]
            yield f"| {name} | {found.ece:.3f} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", type=Path, default=embedded_model(), help="else the embedded model")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="whose mixture it was trained on")
    parser.add_argument("--sample", type=int, default=150, help="texts of each evaluation set; 0 leaves them alone")
    parser.add_argument("--seen-sample", type=int, default=60, help="texts of each seen set; 0 leaves them alone")
    parser.add_argument("--most-own", type=int, help="the most texts of a set's own store, instead of all")
    parser.add_argument(
        "--sets", nargs="+", default=[], metavar="SET", help="these alone, so that processes share them"
    )
    parser.add_argument(
        "--arms", nargs="+", metavar="ARM", choices=[arm.name for arm in ARMS], help="of those above, instead of all"
    )
    parser.add_argument("--dtype")
    parser.add_argument("--journal", type=Path)
    options = parser.parse_args()
    evaluated = list(evaluation_sets(options.sample, options.sets)) if options.sample else []
    seen = (
        list(seen_sets(options.recipe, options.checkpoint, options.seen_sample, options.sets))
        if options.seen_sample
        else []
    )
    if missing := set(options.sets).difference(each.name for each in (*evaluated, *seen)):
        parser.error(f"neither an evaluation set nor one with a split unseen in training: {', '.join(sorted(missing))}")
    settings = Settings(dtype=options.dtype, model=str(options.checkpoint))
    model = Model("embedded", open_engine(settings), settings)
    stores = seed_stores()

    def measured(title: str, found: Sequence[EvaluationSet], arms: Sequence[Arm], journal: Path) -> Report:
        experiment = Experiment([model], found, arms, stores, options.most_own)
        report = run_experiment(experiment, journal, on_result=lambda result: print(result.set, file=sys.stderr))
        print(f"\n### {title}\n")
        print("\n".join(table(report, [each.name for each in found])))
        if {NONE, NEAREST, ALL} <= {arm.name for arm in arms}:
            print(f"\n{WHERE}\n")
            print("\n".join(judged(report, found)) or "nowhere.", flush=True)
        return report

    def chosen(arms: Sequence[Arm]) -> Sequence[Arm]:
        return [arm for arm in ARMS if arm.name in options.arms] if options.arms else arms

    with tempfile.TemporaryDirectory() as folder:
        journal = options.journal or Path(folder) / "answers.jsonl"
        if evaluated:
            report = measured(f"Evaluation sets, at most {options.sample} texts each", evaluated, chosen(ARMS), journal)
            for arm in (arm.name for arm in report.arms if arm.name in (NONE, ALL)):
                print(f"\n### Scores, evaluation sets, {arm}\n")
                print("\n".join(scores(report, [each.name for each in report.sets], arm)), flush=True)
        if seen:
            measured(f"Seen domains, at most {options.seen_sample} texts each", seen, chosen(SEEN_ARMS), journal)


if __name__ == "__main__":
    main()
