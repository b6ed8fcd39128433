"""What every engine owes, asked of vLLM in process and of ``vllm serve`` through the openai engine."""

from __future__ import annotations

import math

import pytest
from engines.contract import CHINESE, ENGLISH, EngineContract, chinese, english, mentions

from ranit_rag.engines.base import Answer, Engine


class TestInProcess(EngineContract):
    @pytest.fixture
    def engine(self, in_process: Engine) -> Engine:
        return in_process


class TestServed(EngineContract):
    @pytest.fixture
    def engine(self, served: Engine) -> Engine:
        return served


def test_the_server_answers_as_the_engine_in_process(in_process: Engine, served: Engine) -> None:
    asked = [english(ENGLISH), chinese(CHINESE, "人名", "地名"), english("Siemens sold Osram to Bain Capital.")]
    for here, there in zip(in_process.generate(asked), served.generate(asked), strict=True):
        assert mentions(here) == mentions(there)
        assert here.usage.prompt_tokens == there.usage.prompt_tokens
        for ours, theirs in zip(here.answers, there.answers, strict=True):
            # Probabilities in bfloat16 depend a little on what else was in the batch.
            assert _probabilities(ours) == pytest.approx(_probabilities(theirs), abs=0.05)


def test_both_say_what_context_they_were_started_with(in_process: Engine, served: Engine) -> None:
    assert (in_process.info.context, served.info.context) == (1024, 1024)


def _probabilities(answer: Answer) -> list[float]:
    return [math.exp(token.logprob) for token in answer.tokens or ()]
