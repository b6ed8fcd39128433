"""A corpus run that is killed again and again ends as one that was left alone, and asks next to nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpus.scripted_corpus import AT_ONCE

TESTS = Path(__file__).parents[2]
RECORDS = int(os.environ.get("KILL_RECORDS", "8000"))
KILLS = int(os.environ.get("KILLS", "50"))


def start(source: Path, output: Path, log: Path) -> subprocess.Popen[bytes]:
    script = str(TESTS / "corpus" / "scripted_corpus.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, script, str(source), str(output), str(log)], env=environment)


def content(output: Path) -> dict[str, Any]:
    def timeless(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "usage": {**row["usage"], "seconds": None}}

    files = {path.name: path for path in output.iterdir()}
    rows = {name: [timeless(json.loads(line)) for line in path.open()] for name, path in files.items() if "-" in name}
    summary = json.loads(files["summary.json"].read_bytes())
    return {"names": sorted(files), **rows, "tokens": summary["tokens"], "failures": summary["failures"]}


@pytest.mark.timeout(600)
def test_fifty_kills_at_random_points(tmp_path: Path) -> None:
    source, whole, killed = tmp_path / "corpus.jsonl", tmp_path / "whole", tmp_path / "killed"
    lines = [json.dumps({"text": f"{'bad' if n % 97 == 0 else 'text'} {n}", "id": n}) for n in range(RECORDS)]
    source.write_text("\n".join(lines))
    assert start(source, whole, tmp_path / "once").wait(300) == 0
    again, rng, kills = tmp_path / "again", random.Random(0), 0
    pause = RECORDS / AT_ONCE * 0.01 / KILLS
    while kills < KILLS:
        before = again.stat().st_size if again.exists() else 0
        process = start(source, killed, again)
        # Most kills meet the run at work, some while it starts or compares what is there.
        wanted = rng.random() < 0.9
        while wanted and process.poll() is None and (again.stat().st_size if again.exists() else 0) == before:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, pause if wanted else 1.5))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        if (killed / "summary.json").exists():
            break
    assert start(source, killed, again).wait(300) == 0
    assert content(killed) == content(whole)
    asked, once = Counter(again.read_text().splitlines()), Counter((tmp_path / "once").read_text().splitlines())
    assert set(once.values()) == {1}
    assert set(asked) == set(once)
    assert asked.total() - once.total() <= kills * AT_ONCE, "only a batch that was under way may be asked again"
    print(f"{kills} kills, {RECORDS} records, {asked.total() - once.total()} texts asked again")
    assert kills == KILLS, "the run was through before it was killed so often: raise KILL_RECORDS"
