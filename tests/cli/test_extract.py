"""``ranit extract``: what goes in, what comes out, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result

from ranit_rag.stores.seeds import seed_examples
from ranit_rag.testing import ScriptedEngine
from ranit_rag.types import Example

Run = Callable[..., Result]
TEXT = "Aspirin eased her migraine."
BOTH = ("-t", "drug", "-t", "disease")
ENTITIES = [("Aspirin", "drug", 0, 7), ("migraine", "disease", 18, 26)]


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def entities(row: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    return [(each["text"], each["label"], each["start"], each["end"]) for each in row["entities"]]


def jsonl(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


class TestSources:
    def test_an_argument(self, run: Run) -> None:
        result = run("extract", TEXT, *BOTH)
        assert (result.exit_code, result.stderr) == (0, "")
        assert entities(rows(result)[0]) == ENTITIES

    def test_arguments_are_texts_of_their_own(self, run: Run) -> None:
        result = run("extract", "Aspirin", "北京", "-t", "drug,地名")
        assert [[e["text"] for e in row["entities"]] for row in rows(result)] == [["Aspirin"], ["北京"]]

    @pytest.mark.parametrize("arguments", [(), ("-",)])
    def test_standard_input(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run("extract", *arguments, *BOTH, input=TEXT)
        assert entities(rows(result)[0]) == ENTITIES

    def test_a_file_is_one_text_known_by_its_path(self, run: Run) -> None:
        Path("note.txt").write_text(f"First line.\n{TEXT}\n", encoding="utf-8")
        (row,) = rows(run("extract", "--file", "note.txt", *BOTH))
        assert row["id"] == "note.txt"
        assert row["text"] == f"First line.\n{TEXT}\n"
        assert entities(row)[0] == ("Aspirin", "drug", 12, 19)

    def test_arguments_and_files_keep_their_order(self, run: Run) -> None:
        Path("a.txt").write_text("one")
        Path("b.txt").write_text("two")
        result = run("extract", "zero", "-", "-f", "b.txt", "-f", "a.txt", "-t", "drug", input="standard")
        assert [row["text"] for row in rows(result)] == ["zero", "standard", "two", "one"]

    def test_lines(self, run: Run) -> None:
        result = run("extract", "--input-format", "lines", "-t", "drug", input=f"{TEXT}\r\n\r\nNothing\n")
        assert [row["text"] for row in rows(result)] == [TEXT, "Nothing"]

    def test_a_byte_order_mark_moves_no_offset(self, run: Run) -> None:
        Path("bom.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
        (row,) = rows(run("extract", "-f", "bom.txt", *BOTH))
        assert row["text"] == TEXT
        assert entities(row) == ENTITIES

    def test_line_ends_of_windows_count_as_they_are(self, run: Run) -> None:
        Path("crlf.txt").write_bytes(b"One.\r\nAspirin.\r\n")
        (row,) = rows(run("extract", "-f", "crlf.txt", "-t", "drug"))
        assert entities(row) == [("Aspirin", "drug", 6, 13)]

    def test_the_name_of_a_file_is_a_text_and_a_warning_says_so(self, run: Run) -> None:
        Path("letter.txt").write_text("Aspirin.")
        result = run("extract", "letter.txt", "Aspirin.", "-t", "drug")
        assert [row["text"] for row in rows(result)] == ["letter.txt", "Aspirin."]
        assert result.stderr == "warning: letter.txt is read as a text: --file letter.txt reads the file\n"
        assert run("extract", "letter.txt", "-t", "drug", "--quiet").stderr == ""
        assert run("extract", "x" * 5000 + "\0", "-t", "drug").exit_code == 0


class TestJsonLines:
    def test_each_record_may_have_its_own_types_and_id(self, run: Run) -> None:
        records = jsonl(
            {"id": 7, "text": TEXT},
            {"id": "b", "text": TEXT, "types": ["disease"]},
            {"text": TEXT, "types": {"disease": "an illness"}, "language": "zh", "source": {"page": 3}, "meta": 1},
        )
        first, second, third = rows(run("extract", "-", "-t", "drug", input=records))
        assert (first["id"], entities(first)) == (7, ENTITIES[:1])
        assert (second["id"], entities(second)) == ("b", ENTITIES[1:])
        assert "id" not in third
        assert "meta" not in first
        assert (third["language"], third["meta"]) == ("zh", {"source": {"page": 3}, "meta": 1})

    def test_a_file_is_known_by_its_name_and_a_stream_by_its_first_line(self, run: Run) -> None:
        Path("data.jsonl").write_text(jsonl({"text": TEXT}), encoding="utf-8-sig")
        Path("data.txt").write_text(jsonl({"text": TEXT}))
        assert rows(run("extract", "-f", "data.jsonl", "-t", "drug"))[0]["text"] == TEXT
        assert rows(run("extract", "-f", "data.txt", "-t", "drug"))[0]["text"] == jsonl({"text": TEXT})
        assert rows(run("extract", "-t", "drug", input='{"a": 1}'))[0]["text"] == '{"a": 1}'

    def test_bad_records_keep_their_place_and_the_others_succeed(self, run: Run) -> None:
        lines = [
            jsonl({"text": "Aspirin 1"}).encode(),
            b"{broken\n",
            b'{"text": "caf\xe9"}\n',
            b"[1]\n",
            b'{"no text": 1}\n',
            b'{"text": "x", "types": "drug"}\n',
            b'{"text": "x", "types": [3]}\n',
            b'{"text": "x", "examples": [{"text": "y", "entities": {"drug": ["z"]}}]}\n',
            b'{"text": "x", "weight": NaN}\n',
            b'{"text": "x", "weight": 1e999}\n',
            b'{"text": "x", "weight": ' + b"9" * 5000 + b"}\n",
            b"[" * 100_000 + b"\n",
            jsonl({"text": "unlucky Aspirin"}).encode(),
            jsonl({"text": "Aspirin 2"}).encode(),
        ]
        Path("data.jsonl").write_bytes(b"".join(lines))
        result = run("extract", "-f", "data.jsonl", "-t", "drug")
        written = rows(result)
        assert result.exit_code == 1
        assert [row["text"] for row in written if "entities" in row] == ["Aspirin 1", "Aspirin 2"]
        assert len(written) == len(lines)
        assert "error" in written[1]
        assert written[2]["error"]["message"] == "data.jsonl:3: not UTF-8: byte 13 is 0xe9"
        assert written[12]["error"] == {
            "type": "ServerError",
            "message": "the server hung up",
            "hint": "start it again",
        }
        assert "error: data.jsonl:2: not JSON" in result.stderr
        assert "error: data.jsonl:13: the server hung up\nhint: start it again\n" in result.stderr
        assert result.stderr.endswith("12 of 14 records failed\n")
        assert "Traceback" not in result.stderr

    def test_output_is_valid_for_every_reader(self, run: Run) -> None:
        result = run("extract", "-", "-t", "drug", input='{"text": "\\ud83d Aspirin \\u2028"}\n')
        assert rows(result)[0]["text"] == "\ud83d Aspirin \u2028"
        assert result.stdout_bytes.decode("utf-8").count("\n") == 1


class TestTypes:
    def test_definitions_may_hold_commas_and_equals_signs(self, run: Run, engine: ScriptedEngine) -> None:
        run("extract", TEXT, "-t", "drug=a medicine, f(x) = y", "-t", "city, state=", "-t", "人名，地名、时间")
        asked = [name for query in engine.conversations[0].queries for name in query.types]
        assert asked == ["drug", "city, state", "人名", "地名", "时间"]

    @pytest.mark.parametrize("value", ["", " ", "drug,", "=a medicine"])
    def test_a_blank_type(self, run: Run, value: str) -> None:
        result = run("extract", TEXT, "-t", value)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: a --type is blank\nhint: ")

    def test_a_repeated_type(self, run: Run) -> None:
        result = run("extract", TEXT, *["-t", "drug"] * 40)
        assert (result.exit_code, result.stderr) == (
            2,
            "error: the type 'drug' is given 40 times\nhint: give each --type once\n",
        )

    def test_no_types_and_nothing_to_take_them_from(self, run: Run) -> None:
        result = run("extract", TEXT)
        assert result.exit_code == 2
        assert "error: " in result.stderr
        assert "hint: " in result.stderr


class TestExamples:
    def test_examples_are_shown_with_spans_or_mentions(self, run: Run, engine: ScriptedEngine) -> None:
        Path("shots.jsonl").write_text(
            jsonl(
                {"text": "Ibuprofen helps.", "entities": [{"start": 0, "end": 9, "label": "drug"}]},
                {"text": "She took Codeine.", "entities": {"drug": ["Codeine"]}},
            )
        )
        result = run("extract", TEXT, "-t", "drug", "--examples", "shots.jsonl")
        shown = "".join(turn.content for turn in engine.conversations[0].prefix)
        assert "Ibuprofen" in shown
        assert "Codeine" in shown
        assert len(rows(result)[0]["decisions"][0]["examples"]) == 2

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (
                '{"text": "abc", "entities": [{"start": 0, "end": 9, "label": "drug", "text": "x"}]}',
                "is not the text at",
            ),
            ('{"text": "abc", "entities": {"drug": ["x"]}}', "does not stand in the text"),
            ('{"text": "abc", "entities": {"drug": "abc"}}', "entities is"),
            ('{"entities": []}', "has no text"),
            ("abc", "not JSON"),
        ],
    )
    def test_a_bad_example_is_told_by_its_line(self, run: Run, line: str, problem: str) -> None:
        Path("shots.jsonl").write_text('\n{"text": "fine"}\n' + line)
        result = run("extract", TEXT, "-t", "drug", "--examples", "shots.jsonl")
        assert result.exit_code == 2
        assert result.stderr.startswith("error: shots.jsonl:3: ")
        assert problem in result.stderr

    def test_an_empty_file_of_examples(self, run: Run) -> None:
        Path("shots.jsonl").write_text("\n")
        result = run("extract", TEXT, "-t", "drug", "--examples", "shots.jsonl")
        assert (result.exit_code, "holds no examples" in result.stderr) == (2, True)


class TestFormats:
    def test_json_is_an_object_for_one_text_and_an_array_for_more(self, run: Run) -> None:
        assert json.loads(run("extract", TEXT, "-t", "drug", "--format", "json").stdout)["text"] == TEXT
        several = run("extract", TEXT, "unlucky", "-t", "drug", "--format", "json")
        assert [("error" in row) for row in json.loads(several.stdout)] == [False, True]
        empty = run("extract", "--input-format", "jsonl", "-t", "drug", "--format", "json", input="\n")
        assert json.loads(empty.stdout) == []

    def test_a_table(self, run: Run) -> None:
        result = run("extract", TEXT, "none\x1b[2J here", "unlucky", *BOTH, "--format", "table")
        assert "Aspirin" in result.stdout
        assert "18:26" in result.stdout
        assert "no entities" in result.stdout
        assert "failed: the server hung up" in result.stdout
        assert "\x1b" not in result.stdout

    def test_a_page(self, run: Run) -> None:
        result = run("extract", TEXT, "unlucky", *BOTH, "-o", "out.html")
        page = Path("out.html").read_text(encoding="utf-8")
        assert result.stdout == ""
        assert page.count("<mark") == 2
        assert "the server hung up" in page

    def test_the_name_of_the_output_decides(self, run: Run) -> None:
        run("extract", TEXT, "-t", "drug", "-o", "out.json")
        assert Path("out.json").read_text().startswith("{\n")
        run("extract", TEXT, "-t", "drug", "-o", "out.data")
        assert json.loads(Path("out.data").read_text())["text"] == TEXT

    def test_output_obeys_the_schema(self, run: Run) -> None:
        schema = json.loads((files("ranit_rag") / "schemas" / "extraction.v1.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        Path("shots.jsonl").write_text(jsonl({"text": "Codeine.", "entities": {"drug": ["Codeine"]}}))
        records = jsonl({"id": 1, "text": TEXT, "page": 2}, {"text": "nothing"}, {"id": 3, "text": "unlucky"})
        *good, failed = rows(run("extract", "-", *BOTH, "--examples", "shots.jsonl", input=records))
        for row in good:
            jsonschema.validate(row, schema)
        jsonschema.validate(failed, {**schema["$defs"]["failure"], "$defs": schema["$defs"]})


class TestDecoding:
    def test_options_say_what_survives(self, run: Run, engine: ScriptedEngine) -> None:
        (row,) = rows(
            run("extract", TEXT, "-t", "drug", "--min-score", "0.95", "--overlaps", "flat", "--format", "jsonl")
        )
        assert row["entities"] == []
        assert [dropped["reason"] for dropped in row["dropped"]] == ["unsure"]

    def test_whether_a_store_speaks_of_its_words_can_be_said(self, run: Run) -> None:
        texts = ("Give codeine against pain.", "He took codeine again.", "She was given codeine twice.")
        shown = [Example.from_mentions(text, {"drug": ["codeine"]}).to_dict() for text in texts]
        Path("shown.jsonl").write_text(jsonl(*shown), encoding="utf-8")
        assert run("store", "import", "clinic", "shown.jsonl").exit_code == 0
        asked = ("extract", "He was given codeine.", "-t", "drug", "--domain", "clinic", "--judge", "always")
        told = {flag: rows(run(*asked, flag, "--format", "jsonl")) for flag in ("--precedents", "--no-precedents")}
        assert [len(row["entities"]) for (row,) in told.values()] == [1, 0]

    @pytest.mark.parametrize("option", [("--overlaps", "nested"), ("--min-score", "2")])
    def test_wrong_values_are_told(self, run: Run, option: tuple[str, str]) -> None:
        result = run("extract", TEXT, "-t", "drug", *option)
        assert result.exit_code == 2
        assert option[1] in result.stderr


class TestExplain:
    """With a store of seeds and its real embedder."""

    def test_it_tells_why_examples_were_shown_and_keeps_the_data_clean(self, run: Run) -> None:
        seeds = seed_examples("biomedicine")[:20]
        Path("seeds.jsonl").write_text(jsonl(*(example.to_dict() for example in seeds)), encoding="utf-8")
        run("store", "import", "biomedicine", "seeds.jsonl")
        result = run("extract", TEXT, *BOTH, "--judge", "always", "--explain", "--format", "jsonl")
        (row,) = rows(result)
        (decision,) = row["decisions"]
        assert decision["route"] == "in_domain"
        assert "in_domain: examples of the text's own domain, biomedicine" in result.stderr
        assert f"because  {decision['reason']}" in result.stderr
        assert result.stderr.count("  example  ") == len(decision["examples"]) == 2
        assert f"(cosine {decision['examples'][0]['similarity']:.2f})" in result.stderr

    def test_without_stores_it_says_so(self, run: Run) -> None:
        result = run("extract", TEXT, *BOTH, "--explain")
        assert "none: no examples\n  because  examples are never shown" in result.stderr


class TestDryRun:
    def test_it_shows_every_prompt_and_asks_nothing(self, run: Run, engine: ScriptedEngine) -> None:
        result = run("extract", TEXT, *BOTH, "--dry-run", "--profile", "uniner.v1")
        assert result.exit_code == 0
        for shown in ("profile uniner.v1", "# none: ", f"[user] Text: {TEXT}", "What describes disease in the text?"):
            assert shown in result.stdout
        assert engine.conversations == []

    def test_as_data(self, run: Run) -> None:
        (window,) = rows(run("extract", TEXT, *BOTH, "--dry-run", "--format", "jsonl", "--profile", "uniner.v1"))
        assert window["decision"]["route"] == "none"
        assert [query["types"] for query in window["queries"]] == [["drug"], ["disease"]]
        assert window["queries"][0]["messages"][-1]["role"] == "user"
        assert TEXT in window["queries"][0]["prompt"]


class TestErrors:
    @pytest.mark.parametrize("arguments", [("",), (" \n",)])
    def test_an_empty_text(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run("extract", *arguments, "-t", "drug")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: the text is empty\nhint: ")

    def test_empty_standard_input_and_files(self, run: Run) -> None:
        Path("empty.txt").touch()
        for result in (run("extract", "-t", "drug", input=""), run("extract", "-f", "empty.txt", "-t", "drug")):
            assert (result.exit_code, "the text is empty" in result.stderr) == (2, True)

    def test_a_file_that_is_not_utf8_names_the_byte(self, run: Run) -> None:
        Path("gbk.txt").write_bytes("一二北京".encode("gb18030"))
        result = run("extract", "-f", "gbk.txt", "-t", "地名")
        assert result.exit_code == 2
        assert result.stderr.startswith("error: gbk.txt: not UTF-8: byte 2 is 0xb6\nhint: convert it")

    def test_an_argument_that_is_not_utf8(self, run: Run) -> None:
        result = run("extract", b"caf\xe9".decode("utf-8", "surrogateescape"), "-t", "drug")
        assert (result.exit_code, "is not UTF-8" in result.stderr) == (2, True)

    def test_the_failure_of_the_only_text_is_the_error(self, run: Run) -> None:
        result = run("extract", "unlucky", "-t", "drug")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "error: the server hung up\nhint: start it again\n"

    def test_a_failure_leaves_an_earlier_output_alone(self, run: Run) -> None:
        Path("out.jsonl").write_text("earlier")
        assert run("extract", "unlucky", "-t", "drug", "-o", "out.jsonl").exit_code == 1
        assert Path("out.jsonl").read_text() == "earlier"

    def test_debug_shows_the_traceback(self, run: Run) -> None:
        result = run("extract", "unlucky", "-t", "drug", "--debug")
        assert result.exit_code == 1
        assert "Traceback (most recent call last)" in result.stderr
        assert result.stderr.endswith("error: the server hung up\nhint: start it again\n")

    def test_a_crash_is_told_without_a_traceback(self, run: Run, engine: ScriptedEngine) -> None:
        engine.generate = lambda *_, **__: 1 // 0  # type: ignore[method-assign]
        result = run("extract", TEXT, "-t", "drug")
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ZeroDivisionError: ")
        assert "--debug" in result.stderr
        assert "Traceback" not in result.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--engine", "gpt"),
            ("--profile", "unheard.v1"),
            ("--max-output-tokens", "0"),
            ("--max-output-tokens", "many"),
            ("--format", "xml"),
            ("-f", "missing.txt"),
            ("--examples", "missing.jsonl"),
            ("--input-format", "lines"),
            ("-o", "no/such/folder.jsonl"),
            ("--dry-run", "--format", "html"),
            ("--dry-run", "-o", "out.jsonl"),
            ("--dry-run", "--explain"),
            ("-", "-"),
            ("--nonsense",),
        ],
    )
    def test_wrong_usage_is_exit_code_2(self, run: Run, arguments: tuple[str, ...]) -> None:
        result = run("extract", TEXT, "-t", "drug", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "rror: " in result.stderr
        assert "Traceback" not in result.stderr

    def test_an_input_is_never_overwritten(self, run: Run) -> None:
        Path("notes.txt").write_text(TEXT)
        result = run("extract", "-f", "notes.txt", "-t", "drug", "-o", "./notes.txt")
        assert (result.exit_code, Path("notes.txt").read_text()) == (2, TEXT)

    def test_messages_cannot_write_to_the_terminal(self, run: Run) -> None:
        result = run("extract", TEXT, "-t", "drug", "--profile", "\x1b[31mred")
        assert result.exit_code == 2
        assert "\x1b" not in result.stderr
