"""How the model's scores and a store's words are weighed: ``python precedents.py [CHECKPOINT] [--journal FILE]``.

Learns the weights of ``ranit_rag.precedents`` by logistic regression: what the model writes, and what a set's own store
annotates, in texts of sets that were left out of training (with stores of several sizes) and of the unseen splits of
sets that it was trained on. Each set and store counts the same, those left out twice. Printed are the weights, and
UniversalNER's micro F1 of examples alone and of both together, each set with weights learned from other sets. With
``--sets`` and a ``--journal`` for each, processes share the asking; the journals, one behind the other, are what the
last run starts from.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from math import log
from pathlib import Path
from unittest.mock import patch

import numpy as np
from evaluate import DATA, RECIPE, seen_sets
from sklearn.linear_model import LogisticRegression

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import EvaluationSet, Selection, read_set
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import open_journal
from ranit_rag.evaluation.runner import ArmRun, Model, run_arms
from ranit_rag.evaluation.significance import Sample, compare_f1, estimate_f1
from ranit_rag.journal import Journal
from ranit_rag.overlaps import Decoding
from ranit_rag.precedents import Precedent, Weights, logit
from ranit_rag.results import Extraction
from ranit_rag.types import Example
from ranit_training.calibration.learning import text_counts

LEFT_OUT = ("conll2003", "matscholar", "atis", "re3d", "ontonotes4_zh")
POOLS = (8, 32, 300, 5000)
SEEN_POOL = 300
FOLDS = 5
Samples = dict[str, dict[str, list[Counts]]]
"""The counts of each text, by arm and set."""
KNOWN, UNSAID, NEW = "KNOWN", "UNSAID", "NEW"
KINDS = {KNOWN: ("model", "words", "bounds"), UNSAID: ("words", "bounds"), NEW: ("model", "type", "bounds")}
KEEP = Decoding("keep", 0.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the model wrote or the store annotates in one text, and whether it is right."""

    kind: str
    evidence: tuple[float, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Sets of a kind, the sizes of their own stores, and how much each of them counts."""

    sets: Sequence[EvaluationSet]
    pools: Sequence[int]
    counts: float


@dataclass(frozen=True, slots=True)
class Learned:
    """The candidates of a set with a store, and how much they count together."""

    set: str
    candidates: Sequence[Candidate]
    counts: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", type=Path, default=embedded_model(), help="else the embedded model")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="whose mixture it was trained on")
    parser.add_argument("--sample", type=int, default=60, help="texts of each set that was left out")
    parser.add_argument("--seen-sample", type=int, default=15, help="texts of each set that was trained on")
    parser.add_argument("--journal", type=Path, help="where answers are kept")
    parser.add_argument(
        "--sets",
        nargs="+",
        default=[],
        metavar="SET",
        help="ask about these alone, and learn nothing",
    )
    options = parser.parse_args()
    chosen = [name for name in LEFT_OUT if name in options.sets or not options.sets]
    left_out = [read_set(DATA / f"{name}.jsonl.xz", Selection(sample=options.sample)) for name in chosen]
    unseen_splits = seen_sets(options.recipe, options.checkpoint, options.seen_sample, options.sets)
    seen = [each for each in unseen_splits if each.own]
    settings = Settings(dtype="bfloat16", model=str(options.checkpoint))
    groups = [Group(left_out, POOLS, 2.0), Group(seen, (SEEN_POOL,), 1.0)]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_journal(options.journal or Path(folder) / "answers.jsonl") as journal,
    ):
        study = Study(Model("embedded", open_engine(settings), settings), journal)
        if options.sets:
            for group in groups:
                study.learned(group)
        else:
            for line in report(study, groups):
                print(line, flush=True)


class Study:
    """Runs arms over sets; the answers are asked for once."""

    def __init__(self, model: Model, journal: Journal) -> None:
        self._model, self._journal = model, journal
        self._pools = Pools(most=max(POOLS))

    def learned(self, group: Group) -> list[Learned]:
        found = []
        for run in self._runs(group.sets, group.pools, precedents=False, min_score=0.0):
            texts = [(each.extraction, each.example) for each in run.results if each.extraction is not None]
            of_texts = [candidates(extraction, example, run.evaluated.types) for extraction, example in texts]
            found.append(Learned(run.evaluated.name, list(chain.from_iterable(of_texts)), group.counts))
        return found

    def samples(self, sets: Sequence[EvaluationSet], pools: Sequence[int], *, precedents: bool) -> Samples:
        found: Samples = {}
        for run in self._runs(sets, pools, precedents=precedents, min_score=None):
            found.setdefault(run.arm.name, {})[run.evaluated.name] = [
                text_counts(each.extraction.entities, each.example.entities, run.evaluated.types, KEEP)
                for each in run.results
                if each.extraction is not None
            ]
        return found

    def _runs(
        self, sets: Sequence[EvaluationSet], pools: Sequence[int], *, precedents: bool, min_score: float | None
    ) -> Iterator[ArmRun]:
        arms = [
            Arm("always", pool=pool, others=False, precedents=precedents, min_score=min_score, name=str(pool))
            for pool in pools
        ]
        return run_arms([self._model], sets, arms, self._pools, self._journal)


def candidates(extraction: Extraction, example: Example, types: Sequence[str]) -> list[Candidate]:
    """What was found without precedents, and what these alone name, with the evidence for each."""
    right = {(entity.text, entity.label) for entity in example.entities}
    said = {(entity.start, entity.end, entity.label): entity.score or 0.0 for entity in extraction.entities}
    found: dict[tuple[int, int, str], Candidate] = {}
    for decision in extraction.decisions:
        if decision.precedents is None:
            continue
        annotated = decision.precedents.annotated(types)
        placed = [(start + decision.start, end + decision.start, label) for start, end, label in annotated]
        for start, end, label in {*said, *placed}:
            inside = decision.start <= start and end <= decision.end
            precedent = inside and decision.precedents.of(start - decision.start, end - decision.start, label)
            if not precedent:
                continue
            kind, evidence = evidence_of(precedent, said.get((start, end, label)))
            if kind != UNSAID or precedent.annotated:
                is_right = (example.text[start:end], label) in right
                found[start, end, label] = Candidate(kind, evidence, is_right)
    return list(found.values())


def evidence_of(precedent: Precedent, score: float | None) -> tuple[str, tuple[float, ...]]:
    """The kind of a candidate, and what its probability is made of besides the bias."""
    if score is None:
        return UNSAID, (precedent.words_odds, precedent.bounds)
    if precedent.seen:
        return KNOWN, (logit(score), precedent.words_odds, precedent.bounds)
    return NEW, (logit(score), log(precedent.share), precedent.bounds)


def learn(learned: Sequence[Learned]) -> dict[str, Weights]:
    """The weights of each kind of candidate."""
    weights = {}
    for kind, names in KINDS.items():
        chosen = [(each, one) for one in learned for each in one.candidates if each.kind == kind]
        counts = np.array([one.counts / len(one.candidates) for _, one in chosen])
        regression = LogisticRegression(C=100).fit(
            np.array([each.evidence for each, _ in chosen]),
            [each.right for each, _ in chosen],
            sample_weight=counts / counts.mean(),
        )
        bias, *found = (round(float(each), 2) for each in (*regression.intercept_, *regression.coef_[0]))
        weights[kind] = Weights(bias, **dict(zip(names, found, strict=True)))
    return weights


def report(study: Study, groups: Sequence[Group]) -> Iterator[str]:
    learned = [each for group in groups for each in study.learned(group)]
    for kind, weights in learn(learned).items():
        yield f"- {kind}: {weights}"
    yield "\n| sets | own store | examples alone | and precedents | difference |"
    yield "|---|---:|---|---|---|"
    for group in groups:
        alone, both = study.samples(group.sets, group.pools, precedents=False), crossed(study, group, learned)
        for language, spoken in (("en", "English"), ("zh", "Chinese")):
            names = [each.name for each in group.sets if each.language == language]
            kind = "left out" if names[0] in LEFT_OUT else "trained on, unseen split"
            for pool in map(str, group.pools):
                one, other = ({name: sample[pool][name] for name in names} for sample in (alone, both))
                change = compare_f1(one, other).difference
                difference = f"{100 * change.value:+.1f} [{100 * change.low:.1f}, {100 * change.high:.1f}]"
                yield f"| {len(names)} {spoken}, {kind} | {pool} | {_f1(one)} | {_f1(other)} | {difference} |"


def crossed(study: Study, group: Group, learned: Sequence[Learned]) -> Samples:
    """Counts with precedents: those of each set by weights that were learned without the sets of its fold."""
    found: Samples = {str(pool): {} for pool in group.pools}
    for fold in range(FOLDS):
        measured = group.sets[fold::FOLDS]
        names = {each.name for each in measured}
        with ExitStack() as patches:
            for kind, weights in learn([each for each in learned if each.set not in names]).items():
                patches.enter_context(patch(f"ranit_rag.precedents.{kind}", weights))
            for pool, sample in study.samples(measured, group.pools, precedents=True).items():
                found[pool] |= sample
    return found


def _f1(sample: Sample) -> str:
    return f"{100 * estimate_f1(sample).value:.1f}"


if __name__ == "__main__":
    main()
