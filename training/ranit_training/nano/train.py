"""Training of the embedded model on episodes.

``python -m ranit_training.nano.train CONFIG --base DIR --mixture DIR --plain tokens.npy -o DIR`` writes a checkpoint of
transformers; ``torchrun --nproc-per-node 4 -m ranit_training.nano.train …`` does the same on four devices. With
``--stage NAME`` the configuration's section of that name says what differs: ``--base`` is what the stage before wrote.
While it trains, ``DIR/latest`` holds the weights of some minutes ago and ``latest.json`` their step; ``--base
DIR/latest --first STEP`` goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ranit_training.layouts import completed
from ranit_training.nano.config import EpisodeConfig, TrainConfig, read_section
from ranit_training.nano.episodes import Episodes
from ranit_training.nano.learning import learn
from ranit_training.nano.losses import answers_loss
from ranit_training.nano.mixture import read_mixture
from ranit_training.nano.model import read_model, write_model
from ranit_training.nano.stream import Source, ahead, batches
from ranit_training.nano.team import Team

KEEP_SECONDS = 120.0


def keeping(model: Any, output: Path, seconds: float = KEEP_SECONDS) -> Callable[[int], None]:
    """What to call behind each step: every so many seconds it writes the weights to ``output/latest``."""
    written = time.monotonic()

    def keep(step: int) -> None:
        nonlocal written
        if time.monotonic() - written < seconds:
            return
        written = time.monotonic()
        partial, latest = output / ".latest", output / "latest"
        write_model(model, partial)
        shutil.rmtree(latest, ignore_errors=True)
        partial.rename(latest)
        with completed(output / "latest.json") as path:
            path.write_text(json.dumps({"step": step}) + "\n", "utf-8")

    return keep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--mixture", type=Path, required=True)
    parser.add_argument("--plain", type=Path, required=True, help="what ranit_training.nano.corpus wrote")
    parser.add_argument("--stage", help="a later one that the configuration describes")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0, help="the step to go on from")
    parser.add_argument("--steps", type=int, help="of the schedule, instead of the configuration's: for trials")
    parser.add_argument("--parts", type=int, help="batches of a step, instead of the configuration's: for trials")
    parser.add_argument("--seconds", type=float, help="instead of the configuration's")
    parser.add_argument("--processes", type=int, help="that draw episodes, for each device; else all cores are used")
    options = parser.parse_args()
    config = read_section(options.config, "train", TrainConfig, options.stage)
    asked = {name: getattr(options, name) for name in ("steps", "parts", "seconds")}
    config = replace(config, **{name: value for name, value in asked.items() if value})
    team = Team.from_environment()
    drawing = read_section(options.config, "episodes", EpisodeConfig, options.stage)
    episodes = Episodes(read_mixture(options.mixture), drawing, config.seed)
    source = Source(episodes, np.load(options.plain, mmap_mode="r", allow_pickle=False), config)
    processes = options.processes or max(1, (os.cpu_count() or 2) // team.size - 1)
    stream = batches(source, team, first=options.first, processes=processes)
    first = next(stream)  # processes are forked before the device is touched
    team.join()
    torch.manual_seed(config.seed)
    model = read_model(options.base).to(team.device)
    options.output.mkdir(parents=True, exist_ok=True)
    learn(
        model,
        chain([first], ahead(stream)),
        answers_loss,
        config.steps,
        config.rate,
        team=team,
        parts=len(team.part_of(config.parts)),
        first=options.first,
        seconds=config.seconds,
        log=options.output / "metrics.jsonl",
        progress=True,
        after=keeping(model, options.output) if team.leads else None,
    )
    if team.leads:
        write_model(model, options.output)
    team.leave()


if __name__ == "__main__":
    main()
