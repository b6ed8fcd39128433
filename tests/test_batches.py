"""Many texts at once: streamed in their order, failures in their place, and the same without blocking."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ranit_rag import Example, Extraction, Failure, Ranit
from ranit_rag.errors import EngineError, InputError, ServerError
from ranit_rag.pipeline import Request
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine; aspirin is cheap."
EXAMPLE = Example.from_mentions("Ibuprofen against fever.", {"drug": ["Ibuprofen"], "disease": ["fever"]})


def ranit(answers: Any, **options: Any) -> Ranit:
    return Ranit(ScriptedEngine(answers, **options), profile="uniner.v1")


class TestBatches:
    def test_failures_are_data_in_their_place(self) -> None:
        down = EngineError("the model is tired")
        ner = ranit({("Aspirin", "x"): ["Aspirin"], ("bad", "x"): down})
        results = list(ner.extract_many(["Aspirin.", "bad", "", "Aspirin!"], ["x"]))
        assert [type(result) for result in results] == [Extraction, Failure, Failure, Extraction]
        assert [(r.index, r.text, type(r.error)) for r in results if isinstance(r, Failure)] == [
            (1, "bad", EngineError),
            (2, "", InputError),
        ]
        assert results[3].entities[0].text == "Aspirin"  # type: ignore[union-attr]

    def test_an_engine_that_dies_fails_what_it_was_asked_with_and_nothing_else(self) -> None:
        def script(text: str, _: str) -> list[str]:
            if text == "deadly":
                raise ZeroDivisionError
            return [text]

        texts = [f"word{i}" for i in range(40)] + ["deadly", ""] + [f"word{i}" for i in range(40, 80)]
        results = list(ranit(script).extract_many(texts, ["x"]))
        assert [result.text for result in results] == texts
        failed = [result for result in results if isinstance(result, Failure)]
        assert [texts[failure.index] for failure in failed] == [failure.text for failure in failed]
        assert "deadly" in [failure.text for failure in failed]
        assert len(failed) <= 33
        assert {type(failure.error) for failure in failed} == {ZeroDivisionError, InputError}

    def test_each_window_goes_to_its_text(self) -> None:
        texts = [f"Ada{i} spoke. " * (1 + 5 * (i % 4)) for i in range(50)]
        results = ranit(lambda text, _: [text.split()[0]], window=60).extract_many(texts, ["x"])
        assert [r.entities[0].text for r in results if isinstance(r, Extraction)] == [f"Ada{i}" for i in range(50)]

    def test_an_endless_stream_is_read_a_few_at_a_time(self) -> None:
        read = 0

        def stream() -> Iterator[str]:
            nonlocal read
            while True:
                read += 1
                yield f"text {read}"

        first = list(itertools.islice(ranit({}).extract_many(stream(), ["x"]), 3))
        assert [result.text for result in first] == ["text 1", "text 2", "text 3"]
        assert read <= 64

    def test_what_came_before_a_broken_stream_is_not_lost(self) -> None:
        def stream() -> Iterator[str]:
            yield "one"
            yield "two"
            raise OSError("the disk is gone")

        results = ranit({}).extract_many(stream(), ["x"])
        assert [next(results).text, next(results).text] == ["one", "two"]
        with pytest.raises(OSError, match="the disk is gone"):
            next(results)

    def test_a_request_brings_its_own(self) -> None:
        ner = ranit({("", "drug"): ["Aspirin"], ("", "x"): ["migraine"]})
        requests = [Request(TEXT, ["drug"]), TEXT, Request(TEXT, examples=[EXAMPLE], language="zh")]
        one, two, three = ner.extract_many(requests, ["x"])
        assert isinstance(one, Extraction) and isinstance(two, Extraction) and isinstance(three, Extraction)  # noqa: PT018
        assert [{e.label for e in result.entities} for result in (one, two, three)] == [{"drug"}, {"x"}, {"drug"}]
        assert (three.language, three.decision.route) == ("zh", "in_domain")

    def test_one_string_is_not_a_list_of_texts(self) -> None:
        with pytest.raises(InputError, match="one string") as caught:
            ranit({}).extract_many("Aspirin", ["x"])
        assert "extract" in caught.value.hint

    def test_nothing_gives_nothing(self) -> None:
        assert list(ranit({}).extract_many([], ["x"])) == []

    def test_progress_is_drawn_on_standard_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert len(list(ranit({}).extract_many([TEXT] * 3, ["x"], progress=True))) == 3
        assert capsys.readouterr().out == ""


class TestAsync:
    async def test_it_gives_what_the_blocking_call_gives(self) -> None:
        ner = ranit({("", "x"): ["Aspirin", "nothing"]}, window=30)
        one, other = await ner.aextract(TEXT, ["x"]), ner.extract(TEXT, ["x"])
        assert (one.entities, one.decisions, one.dropped) == (other.entities, other.decisions, other.dropped)
        assert (one.usage.calls, one.usage.prompt_tokens) == (other.usage.calls, other.usage.prompt_tokens)

    async def test_it_raises_what_the_blocking_call_raises(self) -> None:
        with pytest.raises(ServerError):
            await ranit({("", "x"): ServerError("hung up")}).aextract(TEXT, ["x"])
        with pytest.raises(InputError):
            await ranit({}).aextract("", ["x"])

    async def test_many_texts_give_what_the_blocking_call_gives_failures_in_their_place(self) -> None:
        down = EngineError("the model is tired")
        ner = ranit({("Aspirin", "x"): ["Aspirin"], ("bad", "x"): down})
        texts = ["Aspirin.", "bad", "", *(f"Aspirin {number}" for number in range(80))]
        results = [result async for result in ner.aextract_many(texts, ["x"])]
        for one, other in zip(results, ner.extract_many(texts, ["x"]), strict=True):
            assert type(one) is type(other)
            assert {**one.to_dict(), "usage": None} == {**other.to_dict(), "usage": None}

    async def test_an_engine_that_dies_fails_what_it_was_asked_with_here_too(self) -> None:
        def script(text: str, _: str) -> list[str]:
            if text == "deadly":
                raise ZeroDivisionError
            return [text]

        results = [result async for result in ranit(script).aextract_many(["deadly", "word"], ["x"])]
        assert [type(result) for result in results] == [Failure, Extraction]

    def test_one_string_is_not_a_list_of_texts(self) -> None:
        with pytest.raises(InputError, match="not one string"):
            ranit({}).aextract_many(TEXT, ["x"])
