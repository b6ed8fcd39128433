"""``ranit eval``: one command from annotated texts to an answer, and JSON that a program can rely on."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from cli.conftest import Run

from ranit_rag import engines
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.testing import ScriptedEngine

NEWS = seed_examples("news")[:16]
RUN = ("eval", "run", "news.jsonl", "-t", "person,location", "--profile", "uniner.v1")


@pytest.fixture(autouse=True)
def evaluated(run: Run, monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """Texts in the working directory, and a model that finds every person in them."""
    persons = {(e.text, "person"): [x.text for x in e.entities if x.label == "person"] for e in NEWS}
    engine = ScriptedEngine({**persons, ("unlucky", "person"): []}, context=20_000)
    monkeypatch.setattr(engines, "open_engine", lambda settings: engine)
    write("news.jsonl", 6)
    return engine


def write(name: str, tests: int) -> None:
    records = [{**e.to_dict(), "split": "test" if i < tests else "train"} for i, e in enumerate(NEWS)]
    Path(name).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def test_json_obeys_the_schema_and_stays_the_same(run: Run, evaluated: ScriptedEngine) -> None:
    schema = json.loads((files("ranit_rag") / "schemas" / "evaluation.v1.json").read_text("utf-8"))
    arms = ("--judge", "never", "--judge", "always", "--pool", "8", "--pool", "all", "--own-only")
    first = run(*RUN, *arms, "--format", "json")
    assert first.exit_code == 0, first.output
    report = json.loads(first.stdout)
    jsonschema.validate(report, schema)
    names = [arm["name"] for arm in report["arms"]]
    assert names == ["none", "always nn k2 own 8 alone", "always nn k2 own all alone"]
    person, location = report["results"][0]["types"]
    assert (person["type"], person["mentions"]["f1"], location["mentions"]["f1"]) == ("person", 1.0, 0.0)
    asked = len(evaluated.conversations)
    again = json.loads(run(*RUN, *arms, "--format", "json").stdout)
    assert len(evaluated.conversations) == asked, "a second run asks nothing"
    assert {**again, "timings": None} == {**report, "timings": None}


def test_a_directory_gets_every_form_and_each_can_be_shown_again(run: Run) -> None:
    assert run(*RUN, "--judge", "never", "-o", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
        "texts.jsonl",
    ]
    rows = [json.loads(line) for line in Path("out/texts.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == [example.text for example in NEWS[:6]]
    assert run("eval", "report", "out", "--format", "markdown").stdout == Path("out/report.md").read_text("utf-8")
    assert run("eval", "report", "out", "--format", "html").stdout == Path("out/report.html").read_text("utf-8")
    assert json.loads(run("eval", "report", "out/report.json", "--format", "json").stdout)["seed"] == 0
    table = run("eval", "report", "out")
    assert "F1 over all sets (1)" in table.stdout
    assert table.stderr == ""


def test_two_runs_are_compared(run: Run) -> None:
    run(*RUN, "--judge", "never", "-o", "one")
    run(*RUN, "--judge", "never", "-o", "two")
    (found,) = json.loads(run("eval", "compare", "one", "two", "--format", "json").stdout)
    assert (found["first"], found["second"], found["comparison"]["p_value"]) == ("none", "none", 1.0)
    assert "none against none" in run("eval", "compare", "one", "two").stdout
    write("news.jsonl", 7)
    run(*RUN, "--judge", "never", "-o", "three")
    other = run("eval", "compare", "one", "three")
    assert other.exit_code == 2
    assert "not on the same texts" in other.stderr


def test_prices_give_costs(run: Run) -> None:
    report = json.loads(run(*RUN, "--judge", "never", "--prices", "1000000,0,1000000", "--format", "json").stdout)
    tokens = report["results"][0]["tokens"]
    assert tokens["cost"] == tokens["prompt"] - tokens["cached"] + tokens["output"] > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--ablation", "paper", "--judge", "never"), "--ablation names the arms"),
        (("--pool", "many"), "'many' is no number"),
        (("--prices", "1,2"), "three kinds of tokens"),
        (("--judge", "oracle"), "'oracle' is not a judge"),
        (("--split", "nowhere"), "no split 'nowhere'"),
        (("--without-type", "planet"), "no type 'planet'"),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_asked(
    run: Run, evaluated: ScriptedEngine, arguments: tuple[str, ...], complaint: str
) -> None:
    result = run(*RUN, *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not evaluated.conversations


def test_a_broken_record_is_named(run: Run) -> None:
    with Path("news.jsonl").open("a") as file:
        file.write('{"text": "short", "entities": [{"start": 0, "end": 99, "label": "person"}]}\n')
    result = run(*RUN, "--judge", "never")
    assert result.exit_code != 0
    assert "line 17" in result.stderr


def test_routing_is_measured(run: Run) -> None:
    for name, seeds in (("law", "law"), ("medicine", "biomedicine")):
        records = [
            {**e.to_dict(), "split": "test" if i < 4 else "train"} for i, e in enumerate(seed_examples(seeds)[:24])
        ]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    result = run("eval", "routing", "law.jsonl", "medicine.jsonl", "--stranger", "news.jsonl", "--format", "json")
    report = json.loads(result.stdout)
    assert (report["stores"], report["strangers"]) == (2, 1)
    assert report["styles"]["own"]["calibrated"]["right"] == 1.0
    assert run("eval", "routing", "law.jsonl").exit_code == 2
