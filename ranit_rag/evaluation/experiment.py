"""A whole evaluation in one call: sets, models and arms in, a report and the texts behind it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ranit_rag.errors import InputError
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import open_journal
from ranit_rag.evaluation.report.building import Prices, ReportBuilder
from ranit_rag.evaluation.report.document import Report, Result
from ranit_rag.evaluation.report.rows import text_rows
from ranit_rag.evaluation.runner import Model, run_arms
from ranit_rag.stores.base import StoreSet


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is measured. ``stores`` are the configured ones; ``most`` bounds the examples of a set's own store.

    ``seed`` decides draws of examples and resamples; ``prices`` are those of a million tokens.
    """

    models: Sequence[Model]
    sets: Sequence[EvaluationSet]
    arms: Sequence[Arm]
    stores: StoreSet | None = None
    most: int | None = None
    seed: int = 0
    prices: Prices | None = None

    def __post_init__(self) -> None:
        for kind, named in (("model", self.models), ("set", self.sets), ("arm", self.arms)):
            names = [each.name for each in named]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None or not names:
                found = f"two {kind}s are named {twice!r}" if names else f"there is no {kind}"
                raise InputError(found, hint=f"give each {kind} once, and one at least")

    @property
    def texts(self) -> int:
        """How many extractions the experiment takes, also from the journal."""
        return len(self.models) * len(self.arms) * sum(len(each.examples) for each in self.sets)


def run_experiment(
    experiment: Experiment,
    journal: Path,
    *,
    texts: IO[str] | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    on_result: Callable[[Result], None] = lambda _: None,
) -> Report:
    """Run all of it. ``journal`` keeps every answer, so that a run that was killed goes on, and none is asked twice.

    ``texts`` gets a JSON line for each text and arm. ``on_progress`` hears how many of ``experiment.texts`` are done,
    ``on_result`` each arm and set when it is scored.
    """
    pools = Pools(experiment.stores, most=experiment.most, seed=experiment.seed)
    builder = ReportBuilder(
        experiment.models,
        experiment.sets,
        experiment.arms,
        experiment.stores,
        {each.name: pools.repeated(each) for each in experiment.sets},
        {each.name: len(pools.own(Arm(pool=None), each)) for each in experiment.sets},
        experiment.seed,
        experiment.prices,
    )
    with open_journal(journal) as answers:
        for run in run_arms(
            experiment.models, experiment.sets, experiment.arms, pools, answers, on_progress=on_progress
        ):
            result = builder.add(run)
            if texts is not None:
                for row in text_rows(run, result.arm):
                    texts.write(json.dumps(row, ensure_ascii=True) + "\n")
            on_result(result)
    return builder.build()
