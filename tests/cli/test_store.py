"""``ranit store``: examples in, out and looked at, on real stores with a real embedding model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Run

from ranit_rag.cli.store.importing import FORMAT_HELP, TOLD
from ranit_rag.stores import open_stores
from ranit_rag.stores.formats import FORMATS
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.types import Example

ADA = "Ada Lovelace met Charles Babbage in London."
ADA_ENTITIES = ("-e", "person=Ada Lovelace", "-e", "person=Charles Babbage", "-e", "city=London")


def record(number: int, *, broken: bool = False) -> str:
    text = f"Ann wrote letter {number} to Bob, who lives in street {number * 7}."
    entity = {"start": int(broken), "end": 3 + int(broken), "label": "person", "text": "Ann"}
    return json.dumps({"text": text, "entities": [entity]}) + "\n"


def write(name: str, *lines: str) -> str:
    Path(name).write_text("".join(lines), encoding="utf-8")
    return name


def stores_json(run: Run) -> dict[str, dict[str, Any]]:
    result = run("store", "list", "--format", "json")
    assert result.exit_code == 0, result.stderr
    return {each["domain"]: each for each in json.loads(result.stdout)}


def examples_of(run: Run, name: str) -> list[Example]:
    result = run("store", "export", name)
    assert result.exit_code == 0, result.stderr
    return [Example.from_dict(json.loads(line)) for line in result.stdout.splitlines()]


def failed(result: Result, code: int, *parts: str) -> None:
    assert result.exit_code == code, result.output
    for part in parts:
        assert part in result.stderr


class TestAdd:
    def test_an_example_of_the_command_line(self, run: Run) -> None:
        result = run("store", "add", "news", ADA, *ADA_ENTITIES)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "making the store news with embeddings of all-MiniLM-L6-v2" in result.stderr
        assert "news: 1 added" in result.stderr
        (example,) = examples_of(run, "news")
        assert example == Example.from_mentions(
            ADA, {"person": ["Ada Lovelace", "Charles Babbage"], "city": ["London"]}, domain="news", language="en"
        )

    def test_a_store_of_chinese_gets_an_embedder_of_chinese(self, run: Run) -> None:
        assert run("store", "add", "新闻 2026", "王芳在北京大学任教。", "-e", "人物=王芳").exit_code == 0
        assert stores_json(run)["新闻 2026"]["embedding"]["name"].startswith("ranit-nano")
        (example,) = examples_of(run, "新闻 2026")
        assert (example.language, example.labels) == ("zh", ("人物",))

    def test_json_lines_from_standard_input(self, run: Run) -> None:
        lines = record(1) + json.dumps({"text": "Bob is here.", "entities": {"person": ["Bob"]}, "source": "x"}) + "\n"
        result = run("store", "add", "letters", "--source", "desk", input=lines)
        assert "letters: 2 added" in result.stderr
        assert {(e.text[:3], e.source, e.language) for e in examples_of(run, "letters")} == {
            ("Ann", "desk", "en"),
            ("Bob", "desk", "en"),
        }

    def test_a_correction_replaces_and_a_repeat_changes_nothing(self, run: Run) -> None:
        run("store", "add", "news", ADA, *ADA_ENTITIES)
        assert "0 added, 1 there already" in run("store", "add", "news", ADA, *ADA_ENTITIES).stderr
        assert "0 added, 1 replaced" in run("store", "add", "news", ADA, "-e", "place=London").stderr
        assert [e.labels for e in examples_of(run, "news")] == [("place",)]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((ADA, "-e", "person=Alan Turing"), "'Alan Turing' (person) does not stand in the text"),
            ((ADA, "-e", "London"), "'London' is not TYPE=MENTION"),
            (("  ",), "the text is empty"),
            (("-e", "person=Ada"), "--entity needs a TEXT"),
        ],
    )
    def test_what_is_wrong_makes_no_store(self, run: Run, arguments: tuple[str, ...], message: str) -> None:
        failed(run("store", "add", "news", *arguments), 2, message)
        assert stores_json(run) == {}

    def test_a_bad_line_names_its_number_and_nothing_is_written(self, run: Run) -> None:
        failed(run("store", "add", "news", input=record(1) + "{\n"), 2, "standard input:2", "not JSON")
        assert stores_json(run) == {}


class TestImport:
    def test_a_file_is_imported_once(self, run: Run) -> None:
        path = write("letters.jsonl", record(1), record(2), record(1))
        result = run("store", "import", "letters", path)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "letters: 2 added, 1 given twice" in result.stderr
        assert "0 added, 2 there already" in run("store", "import", "letters", path).stderr

    def test_broken_records_keep_everything_out(self, run: Run) -> None:
        path = write("x.jsonl", record(1), record(2, broken=True), "{\n")
        result = run("store", "import", "letters", path)
        failed(result, 2, "x.jsonl:2: ", "x.jsonl:3: ", "2 of 3 records", "nothing was written", "--skip-broken")
        assert stores_json(run) == {}

    def test_or_are_passed_over_and_reported_in_full(self, run: Run) -> None:
        path = write("x.jsonl", *(record(n, broken=n % 2 == 1) for n in range(2 * TOLD + 10)), record(0))
        result = run("store", "import", "letters", path, "--skip-broken", "--report", "problems.jsonl")
        assert result.exit_code == 0
        assert len(re.findall(r"^x\.jsonl:\d+: ", result.stderr, re.MULTILINE)) == TOLD
        assert "and 5 more" in result.stderr
        assert f"{TOLD + 5} broken records were passed over" in result.stderr
        report = [json.loads(line) for line in Path("problems.jsonl").read_text().splitlines()]
        assert [each["kind"] for each in report] == ["broken"] * (TOLD + 5) + ["duplicate"]
        assert stores_json(run)["letters"]["examples"] == TOLD + 5

    def test_the_report_never_overwrites_the_file(self, run: Run) -> None:
        path = write("x.jsonl", record(1))
        failed(run("store", "import", "letters", path, "--report", "./x.jsonl"), 2, "is the file to import")
        assert Path(path).read_text() == record(1)

    def test_columns_of_a_conll_file(self, run: Run) -> None:
        path = write("x.conll", "B-per NNP Ann\nO VBD wrote\n\nB-per NNP Bob\nO VBD read\n")
        assert run("store", "import", "people", path, "--columns", "2,0").exit_code == 0
        assert sorted(e.entities[0].text for e in examples_of(run, "people")) == ["Ann", "Bob"]
        failed(run("store", "import", "people", path, "--columns", "2"), 2, "write --columns 0,-1")

    def test_standard_input(self, run: Run) -> None:
        assert "2 added" in run("store", "import", "letters", "-", input=record(1) + record(2)).stderr

    def test_a_file_without_examples_and_a_format_that_is_none(self, run: Run) -> None:
        failed(run("store", "import", "letters", write("x.jsonl")), 2, "holds no examples")
        failed(run("store", "import", "letters", "x.jsonl", "--format", "csv"), 2, "'csv'", *FORMATS)
        assert stores_json(run) == {}

    def test_the_help_names_all_formats(self) -> None:
        assert all(form in FORMAT_HELP for form in FORMATS)

    def test_another_embedder_than_the_stores_is_refused(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        result = run("store", "add", "news", "Bob is here.", "--embedder", "ranit-nano")
        failed(result, 1, "all-MiniLM-L6-v2", "ranit-nano", "hint: ")


class TestReading:
    def test_list(self, run: Run) -> None:
        run("store", "add", "news", ADA, *ADA_ENTITIES)
        run("store", "import", "letters", write("x.jsonl", record(1), record(2)))
        result = run("store", "list")
        assert (result.exit_code, result.stderr) == (0, "")
        assert re.search(r"^letters +2 +2 +en +person +all-MiniLM-L6-v2 ", result.stdout, re.MULTILINE)
        assert re.search(r"^news +1 +3 +en +person, city ", result.stdout, re.MULTILINE)
        assert stores_json(run)["news"]["types"] == {"person": 2, "city": 1}

    def test_no_stores_and_no_directory_for_them(self, run: Run) -> None:
        result = run("store", "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "there are no stores yet" in result.stderr
        assert not Path("home").exists(), "looking must not make a directory"

    def test_a_write_that_was_cut_off_is_loud(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        cut_off("home/stores", "news")
        result = run("store", "list")
        assert "UNFINISHED" in result.stdout
        assert "warning: news is UNFINISHED" in result.stderr
        assert "UNFINISHED" in run("store", "stats", "news").stdout

    def test_stats(self, run: Run) -> None:
        run("store", "add", "news", ADA, *ADA_ENTITIES)
        shown = run("store", "stats", "news").stdout
        assert re.search(r"^person +2 *$", shown, re.MULTILINE)
        assert "examples: 1, mentions: 3" in shown
        assert json.loads(run("store", "stats", "news", "--format", "json").stdout)["mentions"] == 3

    def test_show(self, run: Run) -> None:
        run("store", "add", "news", ADA, *ADA_ENTITIES)
        run("store", "import", "news", write("x.jsonl", record(1), record(2)))
        assert (
            "Ada Lovelace person  met Charles Babbage person  in London city ." in run("store", "show", "news").stdout
        )
        shown = json.loads(run("store", "show", "news", "--format", "json", "--type", "city").stdout)
        assert [each["text"] for each in shown] == [ADA]
        assert len(json.loads(run("store", "show", "news", "--format", "json", "-n", "2").stdout)) == 2
        (only,) = json.loads(run("store", "show", "news", "--format", "json", "--id", shown[0]["id"]).stdout)
        assert only == shown[0]
        failed(run("store", "show", "news", "--id", "nonsense"), 2, "has no example nonsense")

    def test_an_unknown_store_names_the_known(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        run("store", "add", "letters", ADA)
        for command in ("stats", "show", "export", "check", "delete"):
            failed(run("store", command, "new"), 1, "there is no store 'new'", "did you mean 'news'?", "letters, news")


class TestExport:
    @pytest.mark.parametrize("form", FORMATS)
    def test_every_format_comes_back(self, run: Run, form: str) -> None:
        suffix = {"conll": "conll", "huggingface": "parquet", "spacy": "spacy"}.get(form, "json")
        run("store", "add", "news", ADA, *ADA_ENTITIES)
        result = run("store", "export", "news", "--format", form, "-o", f"x.{suffix}")
        assert (result.exit_code, result.stdout) == (0, ""), result.stderr
        assert "examples written to x" in result.stderr
        assert run("store", "import", "copy", f"x.{suffix}").exit_code == 0
        (copy,) = examples_of(run, "copy")
        if form == "conll":  # keeps no white space
            assert [(e.text, e.label) for e in copy.entities] == [
                (e.text, e.label) for e in examples_of(run, "news")[0].entities
            ]
        else:
            assert (copy.text, copy.entities) == (ADA, examples_of(run, "news")[0].entities)

    def test_a_binary_format_needs_a_file(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        failed(run("store", "export", "news", "--format", "spacy"), 2, "not a text format")

    def test_what_can_be_read_of_a_damaged_store_is_written(self, run: Run) -> None:
        run("store", "import", "letters", write("x.jsonl", record(1), record(2), record(3)))
        damage_record("home/stores")
        result = run("store", "export", "letters")
        failed(result, 1, "is damaged", "damaged examples left out: 1")
        assert len(result.stdout.splitlines()) == 2


class TestDeleteAndRename:
    def test_deleting_asks(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        failed(run("store", "delete", "news", input="n\n"), 1, "delete the store news", "nothing was deleted")
        failed(run("store", "delete", "news", input=""), 2, "--yes")
        assert run("store", "delete", "news", input="y\n").exit_code == 0
        assert stores_json(run) == {}

    def test_deleting_examples_by_id(self, run: Run) -> None:
        run("store", "import", "letters", write("x.jsonl", record(1), record(2)))
        first, second = examples_of(run, "letters")
        failed(run("store", "delete", "letters", "--id", first.id, "--id", "nonsense", "--yes"), 2, "nonsense")
        assert "examples of letters deleted: 1" in run("store", "delete", "letters", "--id", first.id, "--yes").stderr
        assert examples_of(run, "letters") == [second]

    def test_rename(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        run("store", "add", "letters", ADA)
        failed(run("store", "rename", "news", "letters"), 1, "there is a store 'letters' already")
        assert run("store", "rename", "news", "新闻").exit_code == 0
        assert sorted(stores_json(run)) == ["letters", "新闻"]


class TestCheck:
    def test_sound_stores(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        result = run("store", "check")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "stores checked: 1, problems found: 0" in result.stderr

    def test_contamination_exact_and_near(self, run: Run) -> None:
        run("store", "import", "letters", write("x.jsonl", record(1), record(2), record(3)))
        one, two, _ = sorted(examples_of(run, "letters"), key=lambda e: e.text)
        near = two.text.replace(".", " now.")
        write("test.jsonl", json.dumps({"text": one.text.upper()}) + "\n", json.dumps({"text": near}) + "\n")
        result = run("store", "check", "letters", "--against", "test.jsonl")
        assert result.exit_code == 1
        assert f"letters: contamination: example {one.id} repeats test.jsonl:1" in result.stdout
        assert f"letters: contamination: example {two.id} nearly repeats test.jsonl:2" in result.stdout
        write("other.jsonl", json.dumps({"text": "Another matter altogether, with nothing in common."}) + "\n")
        assert run("store", "check", "letters", "--against", "other.jsonl").exit_code == 0

    def test_a_broken_evaluation_file_is_an_error(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        failed(run("store", "check", "--against", write("test.jsonl", record(1), "{\n")), 2, "test.jsonl:2")

    def test_damage_of_every_kind(self, run: Run) -> None:
        run("store", "import", "letters", write("x.jsonl", record(1), record(2), record(3)))
        damage_record("home/stores")
        run("store", "add", "news", ADA)
        cut_off("home/stores", "news")
        result = run("store", "check", "--format", "json")
        assert result.exit_code == 1
        found = {(each["store"], each["kind"]) for each in json.loads(result.stdout)}
        assert found == {("letters", "record"), ("news", "unfinished")}

    def test_vectors_of_another_model(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        result = run("store", "check", "news", "--embedder", "ranit-nano")
        assert result.exit_code == 1
        assert "news: embedding: " in result.stdout
        store = open_stores("home/stores").open("news")
        moved = store.snapshot().vectors.copy()[:, ::-1]
        store.add([Example("A text with the vector of another.")], vectors=moved)
        assert "1 of 2 vectors" in run("store", "check", "news").stdout


class TestCalibrate:
    """With the embedded model."""

    def test_the_threshold_is_measured_kept_and_reset(self, run: Run) -> None:
        seeds = seed_examples("news")[:20]
        write("news.jsonl", *(json.dumps(example.to_dict()) + "\n" for example in seeds))
        run("store", "import", "news", "news.jsonl")
        dry = run("store", "calibrate", "news", "--texts", "2", "--dry-run")
        assert dry.exit_code == 0, dry.stderr
        assert re.search(r"F1 with examples \d\.\d{3}, without \d\.\d{3}", dry.stdout)
        assert stores_json(run)["news"]["notes"] == {}
        report = json.loads(run("store", "calibrate", "news", "--texts", "2", "--format", "json").stdout)
        assert report["sampled"] + report["elsewhere"] == 2
        assert stores_json(run)["news"]["notes"]["threshold"] == report["threshold"]
        assert f"threshold: {report['threshold']}" in run("store", "stats", "news").stdout
        assert run("store", "calibrate", "news", "--reset").exit_code == 0
        assert stores_json(run)["news"]["notes"] == {}

    def test_too_small_a_store(self, run: Run) -> None:
        run("store", "add", "news", ADA)
        failed(run("store", "calibrate", "news"), 1, "too few")


def cut_off(directory: str, name: str) -> None:
    """End a write in the middle, as a process that is killed does."""

    def examples() -> Any:
        yield Example("The first of many.")
        raise KeyboardInterrupt

    from ranit_rag.retrieval.embedding import load_embedder
    from ranit_rag.stores import chroma

    store = open_stores(directory).open(name, load_embedder("all-MiniLM-L6-v2"))
    size, chroma.BATCH = chroma.BATCH, 1
    try:
        with pytest.raises(KeyboardInterrupt):
            store.add(examples())
    finally:
        chroma.BATCH = size


def damage_record(directory: str) -> None:
    """Break the annotation of one record behind RANIT's back."""
    import chromadb

    from ranit_rag.stores.places import _settings

    client = chromadb.PersistentClient(directory, settings=_settings())
    (collection,) = client.list_collections()
    collection.update(ids=collection.get(limit=1)["ids"], metadatas=[{"ranit_example": "{"}])
    client.close()
