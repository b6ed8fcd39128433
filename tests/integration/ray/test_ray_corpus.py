"""A corpus on a local Ray cluster: the rows of one process, also where a worker is killed in the middle."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray
from click.testing import CliRunner
from scripted_worker import MARK, open_scripted

from ranit_rag import Ranit, Settings
from ranit_rag.cli.main import cli
from ranit_rag.corpus import Policy, Record, extract_corpus, ray_extract
from ranit_rag.corpus.cluster import Workers
from ranit_rag.errors import InputError

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


def run(ner: Ranit | Workers, output: Path) -> None:
    extract_corpus(ner, RECORDS, output, types={"n": ""}, policy=Policy(part_size=300))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole") / "out"
    run(open_scripted(SETTINGS), output)
    return output


@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_costs_no_record(whole: Path, tmp_path: Path, mark: Path) -> None:
    workers = Workers(SETTINGS, number=2, open_ranit=open_scripted)
    run(workers, tmp_path / "out")
    assert mark.exists(), "no worker was killed"
    assert content(tmp_path / "out") == content(whole)


@pytest.mark.timeout(300)
def test_workers_that_differ_are_refused(tmp_path: Path, mark: Path) -> None:
    workers = Workers(SETTINGS, number=1, open_ranit=open_scripted)
    other = Workers(Settings(max_output_tokens=7), number=1, open_ranit=open_scripted)
    workers.actors += other.actors
    with pytest.raises(InputError, match="do not have the same"):
        run(workers, tmp_path / "out")


@pytest.mark.timeout(300)
def test_the_command_opens_no_engine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in.jsonl"
    texts = ["Ada Lovelace lived in London.", "Marie Curie went to Paris.", "", "华为在深圳。"]
    source.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    arguments = ["extract", "--input", str(source), "-t", "person,location", "--quiet", "--output"]
    alone = CliRunner().invoke(cli, [*arguments, str(tmp_path / "alone")])
    # A worker must not see what is patched here: it is another process.
    monkeypatch.setattr("ranit_rag.engines.open_engine", None)
    monkeypatch.setattr("ranit_rag.pipeline.open_engine", None)
    options = ["--engine-cluster", "ray", "--cluster-workers", "2"]
    try:
        spread = CliRunner().invoke(cli, [*arguments, str(tmp_path / "spread"), *options], catch_exceptions=False)
    finally:
        ray.shutdown()
    assert (alone.exit_code, spread.exit_code) == (1, 1), "the empty text alone fails"
    assert content(tmp_path / "spread") == content(tmp_path / "alone")


@pytest.mark.timeout(300)
def test_each_worker_of_vllm_has_a_gpu(tmp_path: Path, whole: Path) -> None:
    """Ray takes our word for the GPUs: the workers, scripted here, must be given one each."""
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {"PYTHONPATH": paths, "RANIT_JUDGE": "never"}
    ray.init(num_cpus=4, num_gpus=3, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": variables})
    try:
        workers = Workers(Settings(engine="vllm"), number=2, open_ranit=open_scripted)
        run(workers, tmp_path / "out")
        assert ray.available_resources()["GPU"] == 1
        shared = Workers(Settings(engine="vllm"), number=2, gpus=0.5, open_ranit=open_scripted)
        assert shared.identity(None, ()) == workers.identity(None, ())
        assert ray.available_resources().get("GPU", 0) == 0
    finally:
        ray.shutdown()
    assert content(tmp_path / "out").keys() == content(whole).keys()


@pytest.mark.timeout(300)
def test_a_cluster_that_runs_already_is_used(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other machines: it is named by RAY_ADDRESS, and none is started here."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("RANIT_JUDGE", "never")
    with cluster(tmp_path / "cluster.log") as address:
        monkeypatch.setenv("RAY_ADDRESS", address)
        try:
            run(Workers(SETTINGS, number=2, open_ranit=open_scripted), tmp_path / "out")
            assert ray.get_runtime_context().gcs_address.endswith(address.removeprefix("127.0.0.1"))
        finally:
            ray.shutdown()
    assert content(tmp_path / "out") == content(whole)


@contextmanager
def cluster(log: Path) -> Iterator[str]:
    """The address of a cluster in processes of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Its own folder keeps it from being found by those who look for a cluster; sockets need its name to be short.
    with tempfile.TemporaryDirectory(prefix="ray-") as folder, log.open("wb") as output:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=4"]
        places = [f"--port={port}", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}"]
        quiet = ["--include-dashboard=false", "--disable-usage-stats"]
        process = subprocess.Popen([*command, *places, *quiet], stdout=output, stderr=output)
        try:
            while "Ray runtime started" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


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
