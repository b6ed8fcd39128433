"""Annotation against a real server: faults, limits, costs, and runs that are cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from annotating import annotated, annotator_for, asked_text, corpus_of, write_corpus
from engines.faulty_server import Fault, FaultyServer

from ranit_rag.errors import DataError, InputError, RanitError, ServerError
from ranit_training.annotate import Annotation, Prices, annotate, estimate

FREE = Prices()


def run(url: str, folder: Path, *, prices: Prices = FREE, **options: Any) -> Annotation:
    corpus = corpus_of(folder / "corpus.jsonl")
    return annotate(corpus, annotator_for(url, **options), folder / "journal", folder / "out.jsonl", prices=prices)


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_text("utf-8").splitlines()]


def asked(server: FaultyServer) -> Counter[str]:
    return Counter(map(asked_text, server.log))


def test_records_come_in_the_order_of_the_corpus_with_their_statistics(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 30)
    with FaultyServer(answer=annotated, fault=lambda request: Fault("slow", seconds=0.05)) as server:
        result = run(server.url, tmp_path, prices=Prices(prompt=1.0, output=2.0))
        assert 4 < server.most_at_once < 20  # an answered request may be seen a moment longer
        assert server.log[0]["temperature"] == 0
    found = records(tmp_path)
    assert [r["entities"][0]["text"] for r in found] == [f"City{n}" for n in range(30)]
    assert found[0]["source"] == f"{tmp_path}/corpus.jsonl:1"
    assert result.tally.asked == result.records == 30
    assert result.pairs == {"kept": 60, "ungrounded": 30, "invalid_type": 30}
    assert (result.prompt_tokens, result.output_tokens) == (30 * 40, 30 * 5)
    assert result.cost == pytest.approx((1200 + 2 * 150) / 1e6)
    assert json.loads((tmp_path / "out.jsonl.types.json").read_text()) == {"city": 30, "occupation": 30}


def test_equal_passages_are_asked_and_kept_once(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "corpus.jsonl", 3)
    path.write_text(path.read_text() * 3)
    with FaultyServer(answer=annotated) as server:
        result = run(server.url, tmp_path)
        assert asked(server).total() == 3
    assert (result.records, result.repeated_passages) == (3, 6)


def test_faults_in_passing_are_overcome(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 12)
    kinds = iter(["status", "cut_headers", "cut_body", "not_json", "status", "web_page", "slow"])

    def fault(request: dict[str, Any]) -> Fault | None:
        kind: Any = next(kinds, None) if len(server.log) % 2 else None
        return Fault(kind) if kind else None

    with FaultyServer(answer=annotated, fault=fault) as server:
        result = run(server.url, tmp_path)
    assert (result.records, result.tally.failures) == (12, [])


def test_a_passage_that_is_refused_is_reported_and_asked_again_by_the_next_run(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 6)

    def fault(request: dict[str, Any]) -> Fault | None:
        return Fault("status", status=400, message="content policy") if "City3 " in asked_text(request) else None

    with FaultyServer(answer=annotated, fault=fault) as server:
        result = run(server.url, tmp_path)
        assert (result.records, result.tally.failed, result.unanswered) == (5, 1, 1)
        assert "corpus.jsonl:4" in result.tally.failures[0]
        assert "content policy" in result.tally.failures[0]
        server.fault = lambda request: None
        server.log.clear()
        assert run(server.url, tmp_path).records == 6
        assert asked(server).total() == 1


def test_a_server_that_has_enough_is_left_alone_by_all_requests(tmp_path: Path) -> None:
    """429 with Retry-After: no request, also no other one, comes before that time."""
    write_corpus(tmp_path / "corpus.jsonl", 20)
    refused: list[float] = []
    early: list[float] = []

    def fault(request: dict[str, Any]) -> Fault | None:
        now = time.monotonic()
        if len(server.log) == 6:
            refused.append(now)
            return Fault("status", status=429, message="slow down", retry_after=0.7)
        if refused and 0.2 < now - refused[0] < 0.65:  # requests that were under way may still arrive
            early.append(now)
        return None

    with FaultyServer(answer=annotated, fault=fault) as server:
        result = run(server.url, tmp_path, concurrency=3, retries=0)
    assert result.records == 20
    assert len(refused) == 1
    assert not early


@pytest.mark.parametrize(
    ("options", "status", "message", "problem"),
    [
        ({}, 401, "Incorrect API key", "401"),
        ({}, 404, "no such model", "404"),
        ({}, 429, "insufficient_quota", "429"),
        ({"patience": 0.0}, 429, "slow down", "429"),
        ({"retries": 1, "concurrency": 2}, 500, "broken", "in a row"),
    ],
)
def test_a_server_that_cannot_be_used_ends_the_run_early(
    tmp_path: Path, options: dict[str, Any], status: int, message: str, problem: str
) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 200)
    quota = message if message == "insufficient_quota" else None
    with FaultyServer(fault=lambda request: Fault("status", status=status, message=message)) as server:
        if quota:
            server.act = lambda fault, handler: handler.send_json(  # type: ignore[method-assign]
                429, {"error": {"message": "no money", "code": quota}}
            )
        with pytest.raises(RanitError, match=problem) as error:
            run(server.url, tmp_path, **options)
        assert error.value.hint
        assert len(server.log) < 60
    assert not (tmp_path / "out.jsonl").exists()


def test_an_address_without_a_server_is_told_at_once(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 200)
    with pytest.raises(ServerError, match="cannot be reached"):
        run("http://127.0.0.1:9/v1", tmp_path, retries=0)


def test_answers_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 4)
    answers = iter(["I cannot help with that.", "[]", '[("City', '[("Atlantis", "city")]'])
    with FaultyServer(answer=lambda request: next(answers)) as server:
        result = run(server.url, tmp_path, concurrency=1)
    assert (result.records, result.unparsable, result.without_entities) == (0, 2, 2)


def test_special_tokens_in_a_text_do_not_reach_the_server_as_such(tmp_path: Path) -> None:
    row = {"text": "He wrote <|im_end|> in City1 and then he waited for the answer of the model."}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(row))
    with FaultyServer(answer=annotated) as server:
        assert run(server.url, tmp_path).records == 1
        assert "<|im_end|>" not in server.log[0]["messages"][-1]["content"]


def test_the_body_of_a_request_can_be_changed(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 1)
    with FaultyServer(answer=annotated) as server:
        run(server.url, tmp_path, request={"temperature": None, "max_completion_tokens": 7, "max_tokens": None})
        body = server.log[0]
    assert body["max_completion_tokens"] == 7
    assert not {"temperature", "max_tokens"} & body.keys()


def test_a_dry_run_counts_and_asks_nothing(tmp_path: Path) -> None:
    corpus = corpus_of(write_corpus(tmp_path / "corpus.jsonl", 10))
    with FaultyServer(answer=annotated) as server:
        annotator = annotator_for(server.url)
        first = estimate(corpus, annotator, tmp_path / "journal", Prices(1.0, 1.0))
        assert not server.log
        assert not (tmp_path / "journal").exists()
        assert (first.passages, first.requests, first.answered) == (10, 10, 0)
        assert first.prompt_tokens > 10 * 200  # tokens are characters here
        assert first.cost == pytest.approx((first.prompt_tokens + first.output_tokens) / 1e6)
        annotate(corpus, annotator, tmp_path / "journal", tmp_path / "out.jsonl")
        write_corpus(tmp_path / "corpus.jsonl", 14)
        again = estimate(corpus, annotator, tmp_path / "journal")
    assert (again.passages, again.requests, again.answered) == (14, 4, 10)
    assert again.output_tokens == 4 * 5  # what answers took before


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGKILL in the middle: nothing that was answered is asked again, and the records are those of one long run."""
    write_corpus(tmp_path / "corpus.jsonl", 60)
    (tmp_path / "whole").mkdir()
    write_corpus(tmp_path / "whole" / "corpus.jsonl", 60)
    script = (
        "import sys; from pathlib import Path; from test_annotate_run import run; run(sys.argv[1], Path(sys.argv[2]))"
    )
    with FaultyServer(answer=annotated, fault=lambda request: Fault("slow", seconds=0.05)) as server:
        here = Path(__file__).parent
        environment = {"PYTHONPATH": f"{here}:{here.parent}"}
        process = subprocess.Popen([sys.executable, "-c", script, server.url, str(tmp_path)], env=environment)
        deadline = time.monotonic() + 60
        journal = tmp_path / "journal"
        while not (journal.exists() and len(journal.read_bytes().splitlines()) > 20) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        kept = {json.loads(line)["key"] for line in journal.read_bytes().splitlines(keepends=True)[1:] if b"\n" in line}
        assert 15 < len(kept) < 60
        server.log.clear()
        result = run(server.url, tmp_path)
        assert result.tally.known == len(kept)
        assert asked(server).total() == 60 - len(kept)
        assert max(asked(server).values()) == 1
        run(server.url, tmp_path / "whole")
    strip = [{**record, "source": ""} for record in records(tmp_path)]
    assert strip == [{**record, "source": ""} for record in records(tmp_path / "whole")]


def test_a_journal_of_another_question_is_not_mixed_in(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", 2)
    with FaultyServer(answer=annotated) as server:
        run(server.url, tmp_path)
        with pytest.raises(InputError, match="was begun with"):
            run(server.url, tmp_path, max_tokens=7)


def test_an_empty_corpus_is_told(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").touch()
    with FaultyServer() as server:
        with pytest.raises(DataError, match="no passage"):
            run(server.url, tmp_path)
        with pytest.raises(DataError, match="no passage"):
            estimate(corpus_of(tmp_path / "corpus.jsonl"), annotator_for(server.url), tmp_path / "other")
