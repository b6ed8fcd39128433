"""What a run shows while it goes: a bar, ``metrics.jsonl`` and ``loss.svg``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ranit_rag.progress import Bar
from ranit_training.layouts import completed
from ranit_training.sft.record import METRICS

Point = Mapping[str, float]
PLOT = "loss.svg"
_LEFT_OUT = {"total_flos", "train_loss"}


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Writes what the trainer logs, on the main process. A run that goes on keeps what was written before."""

    def __init__(self, output: Path, bar: Bar) -> None:
        self._output = output
        self._bar = bar
        self._points: list[Point] = []
        self._begun = time.perf_counter()

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        # Steps after the checkpoint that the run goes on from are done again.
        self._points = [point for point in read_metrics(self._output) if point["step"] <= state.global_step]
        self._bar.expect(state.max_steps)

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        self._bar.show(state.global_step)

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Point | None = None, **_: Any) -> None:
        if not state.is_world_process_zero or not logs:
            return
        kept = {name: value for name, value in logs.items() if name not in _LEFT_OUT}
        point = {"step": state.global_step, **kept, "seconds": round(time.perf_counter() - self._begun, 3)}
        self._points.append(point)
        with completed(self._output / METRICS) as partial:
            partial.write_text("".join(json.dumps(one) + "\n" for one in self._points), "utf-8")
        if "eval_loss" in point:
            draw_losses(self._points, self._output / PLOT)

    def on_train_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            draw_losses(self._points, self._output / PLOT)


def read_metrics(output: Path) -> list[Point]:
    """The points of a run: ``step`` with ``loss``, or with ``eval_loss``, and what else was logged."""
    path = output / METRICS
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def draw_losses(points: Sequence[Point], path: Path) -> None:
    """Training and validation loss over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, label, style in (("loss", "training", "-"), ("eval_loss", "validation", "o-")):
        shown = [(point["step"], point[name]) for point in points if name in point]
        if shown:
            axes.plot(*zip(*shown, strict=True), style, label=label, linewidth=1, markersize=3)
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats per token of an answer")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    with completed(path) as partial:
        figure.savefig(partial, format="svg")
