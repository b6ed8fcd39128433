"""``ranit store`` as a process of its own: interrupted imports, and a Chroma server as the place."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ranit_rag.stores import open_stores

RANIT = [sys.executable, "-m", "ranit_rag", "store"]
CHROMA = Path(sys.executable).with_name("chroma")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RANIT_")}
    return {**kept, "RANIT_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1", "RANIT_JUDGE": "never"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A Chroma server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(CHROMA), "run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, "chroma run ended"
            assert time.monotonic() < deadline, "chroma run did not start in a minute"
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def letters(path: Path, number: int) -> Path:
    lines = (json.dumps({"text": f"Ann wrote letter {n} to Bob."}) + "\n" for n in range(number))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_an_import_that_is_interrupted_is_completed_by_the_next(tmp_path: Path, environment: dict[str, str]) -> None:
    path = letters(tmp_path / "letters.jsonl", 1500)
    command = [*RANIT, "import", "letters", str(path)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    database = tmp_path / "home" / "stores" / "ranit.stamp"
    assert process.stderr is not None
    assert "making the store" in process.stderr.readline()
    deadline = time.monotonic() + 120
    while not database.exists():  # until the store is made
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.5)  # in the midst of the first batches
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "run it again to complete it" in told
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170)
    assert again.returncode == 0, again.stderr
    store = open_stores(tmp_path / "home" / "stores").open("letters")
    assert (len(store.snapshot()), store.unfinished) == (1500, "")


def test_a_chroma_server_is_a_place_like_any_other(tmp_path: Path, environment: dict[str, str], url: str) -> None:
    path = letters(tmp_path / "letters.jsonl", 3)
    for arguments in (("import", "信", str(path), "--language", "en"), ("rename", "信", "letters"), ("check",)):
        done = subprocess.run([*RANIT, *arguments, "--stores", url], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [*RANIT, "list", "--format", "json"], env={**environment, "RANIT_STORES": url}, capture_output=True, text=True
    )
    assert [(each["domain"], each["examples"]) for each in json.loads(listed.stdout)] == [("letters", 3)]
    assert not (tmp_path / "home").exists()


def test_a_server_that_is_not_there_is_told(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*RANIT, "list", "--stores", "http://127.0.0.1:9"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "error: cannot use the Chroma server http://127.0.0.1:9" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
