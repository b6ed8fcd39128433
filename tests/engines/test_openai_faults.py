"""The openai engine against a server that fails, hangs and lies: one clear error each, and nothing else lost."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from asking import TEXT, conversation, engine, says
from faulty_server import Fault, FaultyServer

from ranit_rag.engines.openai import OpenAIEngine
from ranit_rag.errors import ContextLengthError, InputError, ServerError, ServerTimeoutError


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        (Fault("status", 500), "answered 500: something broke", "log"),
        (Fault("status", 429, "slow down", retry_after=0.01), "answered 429", "concurrency"),
        (Fault("status", 400, "bad request"), "answered 400: bad request", "nano"),
        (Fault("cut_headers"), "broke the connection", "log"),
        (Fault("cut_body"), "broke the connection", "log"),
        (Fault("not_json"), "not JSON", "/v1"),
        (Fault("web_page"), "did not answer with a chat completion", "/v1"),
        (Fault("wrong_schema"), "none today", "/v1"),
        (Fault("empty_choices"), "gave no answer", "log"),
    ],
    ids=lambda value: value.kind + str(value.status) if isinstance(value, Fault) else "",
)
def test_each_fault_is_one_error_with_a_remedy_and_the_other_records_are_kept(
    fault: Fault, message: str, hint: str
) -> None:
    with FaultyServer(fault=lambda request: fault if says(request, "bad text") else None) as server:
        good, bad, also_good = engine(server).generate([conversation(), conversation("bad text"), conversation()])
        assert server.url in str(bad.error)
    assert good.error is also_good.error is None
    assert len(good.answers) == len(also_good.answers) == 1
    assert isinstance(bad.error, ServerError)
    assert message in bad.error.message
    assert hint in bad.error.hint
    assert bad.answers == ()


def test_a_server_that_hangs_is_given_up_after_the_time_out() -> None:
    with FaultyServer(fault=lambda request: Fault("hang") if says(request, "bad text") else None) as server:
        started = time.monotonic()
        good, bad = engine(server, timeout=0.3).generate([conversation(), conversation("bad text")])
        assert time.monotonic() - started < 5
    assert good.error is None
    assert isinstance(bad.error, ServerTimeoutError)
    assert "within 0.3 seconds" in bad.error.message
    assert "time-out" in bad.error.hint


def test_a_server_that_drips_its_answer_is_given_up_after_the_time_out_too() -> None:
    """A byte now and then keeps the clock of an HTTP client from running out: the request would never end."""
    drip = Fault("drip", seconds=0.05)
    with FaultyServer(fault=lambda request: drip if says(request, "bad text") else None) as server:
        started = time.monotonic()
        good, bad = engine(server, timeout=0.4, retries=1).generate([conversation(), conversation("bad text")])
        assert 0.8 < time.monotonic() - started < 5
        assert sum(says(request, "bad text") for request in server.log) == 2, "it is retried, and no more than that"
    assert good.error is None
    assert isinstance(bad.error, ServerTimeoutError)
    assert "within 0.4 seconds" in bad.error.message


def test_a_server_that_drips_what_it_is_is_given_up_too() -> None:
    drip = Fault("drip", seconds=0.05)
    with FaultyServer(models_fault=drip) as server, pytest.raises(ServerTimeoutError, match="/v1/models"):
        _ = engine(server, timeout=0.4).info


def test_a_passing_drip_is_retried_and_not_seen() -> None:
    faults = [Fault("drip", seconds=0.05)]
    with FaultyServer(fault=lambda request: faults.pop() if faults else None) as server:
        assert engine(server, timeout=0.4, retries=1).generate([conversation()])[0].error is None


def test_a_server_that_hangs_before_it_says_what_it_is_is_given_up_too() -> None:
    with FaultyServer(models_fault=Fault("hang")) as server, pytest.raises(ServerTimeoutError, match="/v1/models"):
        _ = engine(server, timeout=0.3).info


def test_a_passing_fault_is_retried_and_not_seen() -> None:
    faults = [Fault("status", 500), Fault("status", 429, retry_after=0.01), Fault("cut_body")]
    with FaultyServer(fault=lambda request: faults.pop() if faults else None) as server:
        assert engine(server, retries=3).generate([conversation()])[0].error is None
        assert len(server.log) == 4


def test_a_failed_query_fails_its_conversation_but_what_was_spent_is_counted() -> None:
    def fault(request: dict[str, Any]) -> Fault | None:
        return Fault("status", 500) if says(request, "describes disease") else None

    with FaultyServer(fault=fault) as server:
        reply = engine(server, concurrency=1).generate([conversation(TEXT, "drug", "disease", "gene")])[0]
        assert len(server.log) == 2, "the queries after the failed one were still sent"
    assert isinstance(reply.error, ServerError)
    assert reply.usage.calls == 1


def test_a_conversation_that_is_too_long_says_so() -> None:
    too_long = Fault(
        "status", 400, "max_completion_tokens is too large. This model's maximum context length is 2048 tokens"
    )
    with FaultyServer(fault=lambda request: too_long) as server:
        reply = engine(server).generate([conversation()])[0]
    assert isinstance(reply.error, ContextLengthError)
    assert "2048" in reply.error.message


def test_a_wrong_key_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with FaultyServer(api_key="secret") as server:
        refused = engine(server).generate([conversation()])[0]
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        assert engine(server).generate([conversation()])[0].error is None
    assert refused.error is not None
    assert "401" in refused.error.message
    assert "OPENAI_API_KEY" in refused.error.hint


def test_a_wrong_model_name_lists_the_models_that_are_served() -> None:
    with FaultyServer() as server:
        reply = OpenAIEngine("mano", base_url=server.url, retries=0).generate([conversation()])[0]
    assert reply.error is not None
    assert "mano" in reply.error.message
    assert reply.error.hint.endswith("nano")


def test_a_server_that_is_not_there_asks_whether_it_runs() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}/v1"
    nano = OpenAIEngine("nano", base_url=url, retries=0)
    replies = nano.generate([conversation(), conversation()])
    for reply in replies:
        assert isinstance(reply.error, ServerError)
        assert "is the server running" in reply.error.hint
        assert "secret" not in reply.error.message + reply.error.hint
    with pytest.raises(ServerError, match="cannot be reached"):
        _ = nano.info


def test_an_address_without_the_api_says_where_it_usually_is() -> None:
    with FaultyServer() as server:
        reply = OpenAIEngine("nano", base_url=server.url.removesuffix("/v1"), retries=0).generate([conversation()])[0]
    assert reply.error is not None
    assert "404" in reply.error.message
    assert "/v1" in reply.error.hint


def test_a_server_that_comes_up_later_is_asked_again() -> None:
    with FaultyServer(models_fault=Fault("status", 500)) as server:
        nano = engine(server)
        assert nano.generate([conversation()])[0].error is not None
        server.models_fault = None
        assert nano.generate([conversation()])[0].error is None


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", ""])
def test_what_is_no_url_is_said_at_once(url: str) -> None:
    with pytest.raises(InputError, match="is not the URL of a server"):
        OpenAIEngine("nano", base_url=url)


def test_a_wrong_address_in_the_environment_is_said_at_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000")
    with pytest.raises(InputError, match="localhost:8000"):
        OpenAIEngine("nano")


def test_wrong_options_name_the_valid_ones() -> None:
    with pytest.raises(InputError, match="guided"):
        OpenAIEngine("nano", base_url="http://h/v1", structured="guided")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="concurrency"):
        OpenAIEngine("nano", base_url="http://h/v1", concurrency=0)
