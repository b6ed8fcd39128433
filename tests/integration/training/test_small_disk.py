"""A disk without room, a real one: told before long work begins, and nothing half-written is left behind."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engines.faulty_server import FaultyServer
from training.annotating import annotated, write_corpus
from training.tiny_runs import train_command


def on_small_disk(folder: Path, size: str, *arguments: str, first: str = "true") -> subprocess.CompletedProcess[str]:
    """Run ``python`` where ``folder`` is a disk of ``size``, seen by this process alone, after the command ``first``.

    What is left on it is listed after ``left:`` in the output.
    """
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not on this machine")
    folder.mkdir(exist_ok=True)
    disk = shlex.quote(str(folder))
    mount = f"mount -t tmpfs -o size={size} none {disk}"
    command = f"{mount} || exit 77; {first}; {shlex.join([sys.executable, *arguments])}; code=$?"
    script = f"{command}; echo; echo left: $(find {disk} -type f -printf '%f '); exit $code"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"this machine lets tests mount nothing: {done.stderr.strip()}")
    assert "Traceback" not in done.stderr
    return done


def left(done: subprocess.CompletedProcess[str]) -> set[str]:
    return set(done.stdout.rpartition("left:")[2].split())


def test_training_is_refused_before_the_data_is_encoded(data: Path, base: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    done = on_small_disk(disk, "256k", *train_command(data, disk / "run", base))
    assert done.returncode == 2
    assert "of disk space" in done.stderr
    assert left(done) == set()


def test_a_merge_is_refused_before_the_base_is_loaded(data: Path, base: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, *train_command(data, tmp_path / "run", base, "--steps", "2")], check=True, capture_output=True
    )
    disk = tmp_path / "disk"
    done = on_small_disk(disk, "1m", "-m", "ranit_rag", "merge", str(tmp_path / "run"), "-o", str(disk / "merged"))
    assert done.returncode == 2
    assert "of disk space" in done.stderr
    assert left(done) == set()


def test_a_data_set_is_refused_before_texts_are_embedded(data: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    records = data.parent / "records.jsonl"
    for size, options in {"4k": ["conversations"], "64k": ["augment", "--strategy", "nn"]}.items():
        command = ["-m", "ranit_rag", "data", *options, str(records), "-o", str(disk / "out.jsonl")]
        done = on_small_disk(disk, size, *command, first=f"echo fill > {shlex.quote(str(disk / 'other'))}")
        assert done.returncode == 2, options
        assert "of disk space" in done.stderr
        assert left(done) == {"other"}


def test_annotation_asks_nothing_where_no_answer_can_be_kept(tmp_path: Path) -> None:
    disk, corpus = tmp_path / "disk", write_corpus(tmp_path / "corpus.jsonl", 200)
    fill = f"dd if=/dev/zero of={shlex.quote(str(disk / 'other'))} bs=64k 2> /dev/null"
    with FaultyServer(answer=annotated) as server:
        command = ["-m", "ranit_rag", "data", "annotate", str(corpus), "--model", "nano", "--base-url", server.url]
        done = on_small_disk(disk, "64k", *command, "-o", str(disk / "out.jsonl"), first=fill)
        assert not server.log
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_annotation_whose_disk_fills_up_loses_no_answer(tmp_path: Path) -> None:
    """The run ends with the remedy; after that, the same command asks only for what is missing."""
    disk, corpus = tmp_path / "disk", write_corpus(tmp_path / "corpus.jsonl", 400)
    kept = tmp_path / "kept.journal"
    with FaultyServer(answer=annotated) as server:
        command = ["-m", "ranit_rag", "data", "annotate", str(corpus), "--model", "nano", "--base-url", server.url]
        journal = ["--journal", str(disk / "journal"), "-o", str(tmp_path / "out.jsonl")]
        copy = f"; code=$?; cp {shlex.quote(str(disk / 'journal'))} {shlex.quote(str(kept))}; exit $code"
        script = shlex.join([sys.executable, *command, *journal]) + copy
        done = on_small_disk(disk, "32k", "-c", f"import os; os.execvp('sh', ['sh', '-c', {script!r}])")
        assert done.returncode == 2
        assert "room on the disk" in done.stderr
        answered = sum(b"\n" in line for line in kept.read_bytes().splitlines(keepends=True)) - 1
        assert 50 < answered < 400
        server.log.clear()
        again = [sys.executable, *command, "--journal", str(kept), "-o", str(tmp_path / "out.jsonl")]
        made = subprocess.run(again, check=True, capture_output=True, text=True)
        assert len(server.log) == 400 - answered
    assert json.loads(made.stdout.splitlines()[0])["records"] == 400
