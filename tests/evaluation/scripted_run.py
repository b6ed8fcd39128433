"""A run to be killed: ``python scripted_run.py DIRECTORY``. Its model takes its time and notes all that it is asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from evaluation.small_sets import NEVER, answers, experiment, small_set

from ranit_rag.engines.base import Reply
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.experiment import run_experiment
from ranit_rag.prompts.conversation import Conversation
from ranit_rag.testing import ScriptedEngine

ARMS = (NEVER, Arm("never", k=1, name="none again"))


class Slow(ScriptedEngine):
    """Notes each conversation before it is answered."""

    def __init__(self, evaluated: EvaluationSet, log: Path) -> None:
        super().__init__(answers(evaluated), context=20_000)
        self.log = log

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        with self.log.open("a") as log:
            log.writelines(json.dumps(asdict(each)) + "\n" for each in conversations)
        time.sleep(0.3)
        return super().generate(conversations, max_tokens=max_tokens)


def main(directory: Path) -> None:
    evaluated = small_set(texts=60, own=0)
    engine = Slow(evaluated, directory / "asked.jsonl")
    with (directory / "texts.jsonl").open("w") as rows:
        report = run_experiment(experiment(engine, [evaluated], ARMS), directory / "journal.jsonl", texts=rows)
    (directory / "report.json").write_text(json.dumps(report.to_dict()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
