"""A corpus on a local Ray cluster: the rows of one process, also where a worker is killed in the middle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from scripted_worker import MARK, open_scripted

from ranit_rag import Settings
from ranit_rag.corpus import Policy, Record, extract_corpus, ray_extract
from ranit_rag.corpus.cluster import Workers

RECORDS = [Record(f"{'bad' if n % 50 == 7 else 'text'} {n}", id=n, meta={"n": n}) for n in range(1500)]
SETTINGS = Settings()


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A cluster whose workers kill themselves once; the file that says it happened."""
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    mark = tmp_path / "killed"
    variables = {"PYTHONPATH": paths, "RANIT_JUDGE": "never", "RANIT_HOME": os.environ["RANIT_HOME"], MARK: str(mark)}
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": variables})
    yield mark
    ray.shutdown()


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "usage": {**row["usage"], "seconds": None}}


def content(output: Path) -> dict[str, Any]:
    return {
        path.name: [timeless(json.loads(line)) for line in path.open()] for path in sorted(output.glob("*-*.jsonl"))
    }


def run(output: Path, **options: Any) -> None:
    ner = open_scripted(SETTINGS)
    extract_corpus(ner, RECORDS, output, types={"n": ""}, policy=Policy(part_size=300), **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole") / "out"
    run(output)
    return output


@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_costs_no_record(whole: Path, tmp_path: Path, mark: Path) -> None:
    workers = Workers(SETTINGS, number=2, open_ranit=open_scripted)
    run(tmp_path / "out", ask=workers.ask, lanes=workers.lanes)
    assert mark.exists(), "no worker was killed"
    assert content(tmp_path / "out") == content(whole)


@pytest.mark.timeout(300)
def test_a_dataset_gives_the_same_rows(whole: Path, mark: Path) -> None:
    import ray.data

    dataset = ray.data.from_items([{"text": r.text, "id": r.id, "n": r.meta["n"]} for r in RECORDS])
    mapped = ray_extract(dataset, settings=SETTINGS, types={"n": ""}, open_ranit=open_scripted)
    found = sorted((timeless(json.loads(each["row"])) for each in mapped.take_all()), key=lambda row: row["id"])
    wanted = sorted((row for rows in content(whole).values() for row in rows), key=lambda row: row["id"])
    # A failure tells its place in the files, which a dataset does not know.
    assert [_placeless(row) for row in found] == [_placeless(row) for row in wanted]
    assert mark.exists(), "no worker was killed"


def _placeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("index", "origin")}
