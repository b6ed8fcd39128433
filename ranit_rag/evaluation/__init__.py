"""Evaluation on annotated texts: arms, runs, reports, and whether a difference is chance. Names load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranit_rag.evaluation.arms import Arm as Arm
    from ranit_rag.evaluation.arms import ablation as ablation
    from ranit_rag.evaluation.arms import grid as grid
    from ranit_rag.evaluation.comparison import compare_reports as compare_reports
    from ranit_rag.evaluation.comparison import comparison_table as comparison_table
    from ranit_rag.evaluation.data_sets import EvaluationSet as EvaluationSet
    from ranit_rag.evaluation.data_sets import Selection as Selection
    from ranit_rag.evaluation.data_sets import read_set as read_set
    from ranit_rag.evaluation.experiment import Experiment as Experiment
    from ranit_rag.evaluation.experiment import run_experiment as run_experiment
    from ranit_rag.evaluation.report.document import Report as Report
    from ranit_rag.evaluation.report.document import read_report as read_report
    from ranit_rag.evaluation.runner import Model as Model

_HOME = {
    "Arm": "arms",
    "EvaluationSet": "data_sets",
    "Experiment": "experiment",
    "Model": "runner",
    "Report": "report.document",
    "Selection": "data_sets",
    "ablation": "arms",
    "compare_reports": "comparison",
    "comparison_table": "comparison",
    "grid": "arms",
    "read_report": "report.document",
    "read_set": "data_sets",
    "run_experiment": "experiment",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ranit_rag.evaluation' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ranit_rag.evaluation.{_HOME[name]}"), name)
