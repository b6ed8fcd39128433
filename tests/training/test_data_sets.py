"""``ranit data``: whole commands on files, with their manifests."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotating import annotated, write_corpus
from click.testing import CliRunner, Result
from engines.faulty_server import Fault, FaultyServer

from ranit_rag.errors import DataError, InputError
from ranit_rag.prompts import load_profile
from ranit_training.cli_data import data
from ranit_training.layouts import read_rows


def run(*arguments: object) -> dict[str, Any]:
    """What a command printed, taken together."""
    result = invoke(*arguments)
    if result.exception:
        raise result.exception
    return {key: value for line in result.stdout.splitlines() for key, value in json.loads(line).items()}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(data, [str(argument) for argument in arguments], standalone_mode=False)


def write_records(path: Path, count: int, seed: int = 0) -> Path:
    rng = random.Random(seed)
    names = ["Paris", "Rome", "Oslo", "Kyiv", "Bonn", "Lima", "Cairo", "Quito"]
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            city, person = rng.choice(names), f"Dr {chr(65 + number % 26)}{number}"
            text = f"{person} moved to {city} with {rng.randrange(10**9)} boxes of {rng.random()}"
            entities = [
                {"start": 0, "end": len(person), "label": "person"},
                {
                    "start": text.index(city),
                    "end": text.index(city) + len(city),
                    "label": rng.choice(["city", "place"]),
                },
            ]
            row = {"id": f"{path.stem}-{number}", "text": text, "entities": entities if number % 10 else []}
            stream.write(json.dumps(row) + "\n")
    return path


def write_vectors(path: Path, count: int) -> Path:
    np.save(path, np.random.default_rng(count).standard_normal((count, 16)).astype(np.float32))
    return path


def manifest(output: Path) -> dict[str, Any]:
    return json.loads((output.parent / f"{output.name}.manifest.json").read_text("utf-8"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_augment_is_conversations_with_examples_in_front(tmp_path: Path) -> None:
    source, vectors = write_records(tmp_path / "a.jsonl", 60), write_vectors(tmp_path / "v.npy", 60)
    plain, shown = tmp_path / "plain.jsonl", tmp_path / "shown.parquet"
    first = run("conversations", source, "-o", plain)
    second = run("augment", source, "-o", shown, "--vectors", vectors, "--strategy", "diverse_nn")
    assert first["conversations"] == second["conversations"] == 54
    assert (first["without_entities"], second["with_2_examples"]) == (6, 54)
    assert first["absent_types"] == second["absent_types"] > 0
    for without, with_examples in zip(read_rows(plain), read_rows(shown), strict=True):
        assert with_examples["conversations"][2:] == without["conversations"]
        assert len(with_examples["examples"]) == 2
        assert with_examples["id"] not in with_examples["examples"]


def test_a_manifest_says_how_to_make_the_same_bytes_again(tmp_path: Path) -> None:
    source, vectors = write_records(tmp_path / "a.jsonl", 30), write_vectors(tmp_path / "v.npy", 30)
    outputs = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    for output in outputs:
        run("augment", source, "-o", output, "--vectors", vectors, "--strategy", "mixed", "--seed", 7, "--k", 1)
    said = manifest(outputs[0])
    assert digest(outputs[0]) == digest(outputs[1]) == said["outputs"][0]["sha256"]
    assert [each["sha256"] for each in said["inputs"]] == [digest(source), digest(vectors)]
    assert (said["kind"], said["seed"], said["strategy"]) == ("augment", 7, "mixed")
    assert said["profiles"] == [load_profile("ra-it-en.v1").pin]  # the records are English
    assert (said["parameters"]["k"], said["parameters"]["pool"], said["parameters"]["threshold"]) == (1, 128, 20.0)
    assert said["package"].startswith("ranit-rag ")
    assert said["counts"]["conversations"] == 27


def test_records_that_repeat_evaluation_texts_are_counted_and_can_be_dropped(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", 40)
    evaluation = tmp_path / "evaluation.jsonl"
    evaluation.write_text("".join(line + "\n" for line in source.read_text().splitlines()[5:9]))
    counted = run("conversations", source, "-o", tmp_path / "o.jsonl", "--evaluation", evaluation)
    assert counted["contamination"] == {"records": 40, "evaluation_texts": 4, "exact": 4, "near": 0}
    assert counted["conversations"] == 36
    assert manifest(tmp_path / "o.jsonl")["counts"]["contamination"]["overlaps"][0] == ["a-5", "a-5", "exact"]
    dropped = run("conversations", source, "-o", tmp_path / "o.jsonl", "--evaluation", evaluation, "--drop-overlaps")
    assert (dropped["conversations"], dropped["dropped_overlaps"]) == (32, 4)
    with pytest.raises(InputError, match="nothing that records may overlap"):
        run("conversations", source, "-o", tmp_path / "o.jsonl", "--drop-overlaps")


def test_a_benchmark_asks_every_type_and_shows_no_evaluated_text(tmp_path: Path) -> None:
    source, pool = write_records(tmp_path / "test.jsonl", 20, seed=1), tmp_path / "pool.jsonl"
    write_records(pool, 50, seed=2)
    pool.write_text(pool.read_text() + source.read_text())
    vectors, pool_vectors = tmp_path / "v.npy", tmp_path / "p.npy"
    np.save(pool_vectors, np.random.default_rng(5).standard_normal((70, 8)))
    np.save(vectors, np.load(pool_vectors)[50:])  # each text's nearest is itself
    made = run(
        "benchmark", source, "-o", tmp_path / "b.json", "--type", "city=town", "--type", "person",
        "--strategy", "nn", "--pool", pool, "--vectors", vectors, "--pool-vectors", pool_vectors,
    )  # fmt: skip
    assert (made["conversations"], made["contamination"]["exact"]) == (40, 20)
    rows = list(read_rows(tmp_path / "b.json"))
    assert [row["id"] for row in rows[:3]] == ["test-0/town", "test-0/person", "test-1/town"]
    assert rows[0]["conversations"][-2]["value"] == "What describes town in the text?"
    assert all(row["id"].split("/")[0] not in row["examples"] and len(row["examples"]) == 2 for row in rows)
    with pytest.raises(DataError, match="no record has the type 'river'"):
        run("benchmark", source, "-o", tmp_path / "b.json", "--type", "river")
    with pytest.raises(DataError, match="needs a pool"):
        run("benchmark", source, "-o", tmp_path / "b.json", "--strategy", "random")


def test_llama_factory_is_one_option_away(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", 10)
    made = run("conversations", source, "-o", tmp_path / "lf", "--layout", "llama-factory", "--name", "vanilla")
    assert (tmp_path / "lf" / "dataset_info.json").is_file()
    assert made["manifest"] == str(tmp_path / "lf" / "vanilla.jsonl.manifest.json")


@pytest.mark.parametrize(
    ("vectors", "problem"),
    [
        (np.ones((9, 4)), "holds 9 vectors for 10 texts"),
        (np.ones(10), "shape"),
        (np.ones((10, 4), np.int64), "int64"),
        (np.where(np.arange(10)[:, None] == 3, np.nan, np.ones((10, 4))), "row 3"),
        (np.where(np.arange(10)[:, None] == 4, 0.0, np.ones((10, 4))), "row 4"),
    ],
)
def test_vectors_are_checked_before_the_work(tmp_path: Path, vectors: np.ndarray, problem: str) -> None:
    np.save(tmp_path / "v.npy", vectors)
    with pytest.raises(DataError, match=problem):
        run(
            "augment",
            write_records(tmp_path / "a.jsonl", 10),
            "-o",
            tmp_path / "o.jsonl",
            "--vectors",
            tmp_path / "v.npy",
        )
    (tmp_path / "v.npy").write_bytes(b"no vectors")
    with pytest.raises(DataError, match="cannot read vectors"):
        run("augment", tmp_path / "a.jsonl", "-o", tmp_path / "o.jsonl", "--vectors", tmp_path / "v.npy")


def test_vectors_that_are_not_given_are_computed_and_kept(tmp_path: Path) -> None:
    """With a model for the language of the records that needs no network; the next strategy reads them again."""
    source = write_records(tmp_path / "a.jsonl", 20)
    first = run("augment", source, "-o", tmp_path / "o.jsonl")
    kept = tmp_path / "o.jsonl.vectors.npy"
    assert np.load(kept).shape == (20, 384)
    assert manifest(tmp_path / "o.jsonl")["parameters"]["embedder"] == "all-MiniLM-L6-v2"
    second = run("augment", source, "-o", tmp_path / "p.jsonl", "--vectors", kept)
    assert first["with_2_examples"] == second["with_2_examples"] == 18
    assert list(read_rows(tmp_path / "o.jsonl")) == list(read_rows(tmp_path / "p.jsonl"))
    source.write_text(source.read_text() + json.dumps({"text": "他住在北京市的西边。", "entities": []}) + "\n")
    with pytest.raises(InputError, match="records in en and zh"):
        run("augment", source, "-o", tmp_path / "o.jsonl")
    with pytest.raises(InputError, match="for the records or for the pool alone"):
        run("augment", source, "-o", tmp_path / "o.jsonl", "--vectors", kept, "--pool", source)


def test_one_file_describes_a_run(tmp_path: Path) -> None:
    """Keys are flags; what is given on the command line counts more."""
    source, vectors = write_records(tmp_path / "a.jsonl", 30), write_vectors(tmp_path / "v.npy", 30)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"augment:\n  records: [{source}]\n  output: {tmp_path}/o.jsonl\n  vectors: {vectors}\n"
        "  strategy: nn_bm25\n  pool-size: 16\n  threshold: 1\n  seed: 5\nconversations:\n  seed: 9\n"
    )
    run("augment", "--config", config)
    said = manifest(tmp_path / "o.jsonl")
    assert (said["strategy"], said["seed"], said["parameters"]["pool"]) == ("nn_bm25", 5, 16)
    run("augment", "--config", config, "--seed", 6)
    assert manifest(tmp_path / "o.jsonl")["seed"] == 6
    config.write_text("augment:\n  stratgy: nn\n")
    with pytest.raises(InputError, match="augment has no flag 'stratgy'") as error:
        run("augment", "--config", config)
    assert "did you mean 'strategy'" in error.value.hint


def test_annotate_writes_records_that_the_next_command_reads(tmp_path: Path) -> None:
    source, output = write_corpus(tmp_path / "corpus.jsonl", 12), tmp_path / "records.jsonl"
    source.write_text(source.read_text() + '{"text": "Results"}\n{"text": " "}\n')
    with FaultyServer(answer=annotated) as server:
        given = ("annotate", source, "-o", output, "--model", "nano", "--base-url", server.url, "--price-prompt", 2)
        dry = run(*given, "--dry-run")
        assert (dry["requests"], len(server.log), output.exists()) == (12, 0, False)
        made = run(*given)
    assert dry["short_pieces"] == made["short_pieces"] == manifest(output)["counts"]["short_pieces"] == 1
    assert (made["asked"], made["records"], made["cost"]) == (12, 12, pytest.approx(12 * 40 * 2 / 1e6, abs=1e-4))
    said = manifest(output)
    assert said["profiles"][0].startswith("uniner-en.v1@")
    assert said["parameters"]["model"] == "nano"
    assert run("conversations", output, "-o", tmp_path / "c.jsonl")["conversations"] == 12


def test_annotate_ends_with_exit_code_1_where_something_is_missing(tmp_path: Path) -> None:
    source = write_corpus(tmp_path / "corpus.jsonl", 4)
    source.write_text(source.read_text() + "{broken\n")

    def fault(request: dict[str, Any]) -> Fault | None:
        return Fault("status", status=400) if "City2 " in request["messages"][-1]["content"] else None

    with FaultyServer(answer=annotated, fault=fault) as server:
        given = ("annotate", source, "-o", tmp_path / "r.jsonl", "--model", "nano", "--base-url", server.url)
        result = CliRunner().invoke(data, list(map(str, given)))
    assert result.exit_code == 1
    assert "corpus.jsonl:5" in result.stderr
    assert "corpus.jsonl:3" in result.stderr
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 3


def test_no_records_are_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="no record"):
        run("conversations", tmp_path / "empty.jsonl", "-o", tmp_path / "o.jsonl")
    (tmp_path / "bare.jsonl").write_text('{"text": "No entities here."}\n')
    with pytest.raises(DataError, match="no record is left"):
        run("conversations", tmp_path / "bare.jsonl", "-o", tmp_path / "o.jsonl")


def test_help_comes_without_the_heavy_libraries() -> None:
    code = (
        "import sys, ranit_training.cli_data; "
        "print(sorted({'torch', 'openai', 'transformers', 'datasets', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
