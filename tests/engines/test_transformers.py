"""The transformers engine: both of its ways to decode, adapters, batches, and models that cannot be loaded."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from engines.contract import CHINESE, ENGLISH, HOSTILE, EngineContract, chinese, english, texts

from ranit_rag.engines.base import Engine
from ranit_rag.engines.chat import EncodedConversation
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.decoding import TreeDecoder
from ranit_rag.engines.sequential import SequentialDecoder
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import EngineError, InputError, ModelNotFoundError
from ranit_rag.prompts.conversation import Conversation

ASKED = [
    english(ENGLISH),
    chinese(CHINESE, "人名", "地名", "组织机构"),
    english(HOSTILE, "person", "a rather long and winding type of thing"),
    english("Alice Brown lives in Paris, Bob Lee in Rome.", "person", "location", source=False),
]


@pytest.fixture(scope="module")
def sequential() -> TransformersEngine:
    return TransformersEngine(attention="eager")


class TestTreeDecoding(EngineContract):
    @pytest.fixture
    def engine(self, nano: TransformersEngine) -> Engine:
        assert isinstance(nano._decoder, TreeDecoder)
        return nano


class TestSequentialDecoding(EngineContract):
    @pytest.fixture
    def engine(self, sequential: TransformersEngine) -> Engine:
        assert isinstance(sequential._decoder, SequentialDecoder)
        return sequential


def _probabilities(engine: Engine) -> list[list[float]]:
    answers = [answer for reply in engine.generate(ASKED) for answer in reply.answers]
    return [[token.logprob for token in answer.tokens or ()] for answer in answers]


def test_both_ways_to_decode_agree(nano: TransformersEngine, sequential: TransformersEngine) -> None:
    assert texts(nano.generate(ASKED)) == texts(sequential.generate(ASKED))
    for tree, one_by_one in zip(_probabilities(nano), _probabilities(sequential), strict=True):
        assert tree == pytest.approx(one_by_one, abs=1e-3)


def test_answers_do_not_depend_on_what_shares_their_batch(nano: TransformersEngine) -> None:
    alone = TransformersEngine(batch_tokens=1)
    assert texts(alone.generate(ASKED)) == texts(nano.generate(ASKED))
    assert texts(nano.generate(ASKED[::-1])) == texts(nano.generate(ASKED))[::-1]
    for one, many in zip(_probabilities(alone), _probabilities(nano), strict=True):
        assert one == pytest.approx(many, abs=1e-3)


def test_a_cpu_holds_few_tokens_at_once(nano: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values of 16,384 tokens, which suit a GPU, are most of a laptop's memory."""
    decode, held = TreeDecoder.decode, []

    def noting(decoder: TreeDecoder, batch: Sequence[EncodedConversation], *args: Any, **kwargs: Any) -> Any:
        held.append(sum(len(one.prefix) + sum(map(len, one.queries)) for one in batch))
        return decode(decoder, batch, *args, **kwargs)

    monkeypatch.setattr(TreeDecoder, "decode", noting)
    asked = [english(f"{ENGLISH} {number}", "person", "city") for number in range(100)]
    replies = nano.generate(asked)
    assert len(replies) == 100
    assert len(held) > 1
    assert max(held) <= 4096 < sum(held)


def test_a_conversation_without_queries_is_answered_with_nothing(nano: TransformersEngine) -> None:
    silent = Conversation(ASKED[0].prefix, (), source=ENGLISH)
    assert texts(nano.generate([silent])) == [[]]
    assert texts(nano.generate([silent, ASKED[1]])) == [[], *texts(nano.generate([ASKED[1]]))]


def test_an_answer_ends_where_the_context_does(nano: TransformersEngine, sequential: TransformersEngine) -> None:
    sentence = "John Smith met Mary Jones. "
    fits = 1
    while _prompt_tokens(nano, sentence * (fits + 1)) < nano.info.context - 20:
        fits += 1
    asked = english(sentence * fits, "person")
    for engine in (nano, sequential):
        answer = engine.generate([asked])[0].answers[0]
        assert answer.finish == "length"
        assert _prompt_tokens(nano, sentence * fits) + len(answer.tokens or ()) <= nano.info.context


def _prompt_tokens(engine: TransformersEngine, text: str) -> int:
    encoded = engine._prompts.encode(english(text, "person"))
    return len(encoded.prefix) + len(encoded.queries[0])


def test_the_prompt_is_shown_as_the_model_reads_it(nano: TransformersEngine) -> None:
    asked = english("Who is <|end|>?", "person")
    assert nano.render(asked, asked.queries[0]) == (
        "<|user|>Text: Who is <|end|>?<|end|><|assistant|>I've read this text.<|end|>"
        "<|user|>What describes person in the text?<|end|><|assistant|>"
    )


class TestAdapter:
    @pytest.fixture
    def adapted(self) -> Any:
        """The embedded model with a LoRA adapter of random weights, strong enough to change answers; not merged."""
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_pretrained(embedded_model(), dtype="float32")
        targets = ["q_proj", "v_proj", "down_proj"]
        config = LoraConfig(r=4, lora_alpha=32, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM")
        return get_peft_model(model, config).eval()

    def test_answers_are_those_of_peft(self, adapted: Any, nano: TransformersEngine, tmp_path: Path) -> None:
        import torch

        adapted.save_pretrained(tmp_path)
        engine = TransformersEngine(adapter=tmp_path)
        asked = [english(ENGLISH, source=False)]
        assert texts(engine.generate(asked, max_tokens=12)) != texts(nano.generate(asked, max_tokens=12))
        encoded = engine._prompts.encode(asked[0])
        for query, answer in zip(encoded.queries, engine.generate(asked, max_tokens=12)[0].answers, strict=True):
            prompt = torch.tensor([[*encoded.prefix, *query]])
            made = adapted.generate(
                prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=len(answer.tokens or ()), do_sample=False
            )
            spelled = b"".join(engine._guides.token_bytes(token) for token in made[0, prompt.shape[1] :].tolist())
            assert spelled.decode(errors="replace").replace(engine._joiner, "").startswith(answer.text)

    def test_a_directory_without_an_adapter_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFoundError, match="holds no LoRA adapter") as caught:
            TransformersEngine(adapter=tmp_path)
        assert str(tmp_path) in caught.value.message
        assert "peft" in caught.value.hint

    def test_an_adapter_whose_weights_are_missing_is_an_engine_error(self, tmp_path: Path, adapted: Any) -> None:
        adapted.save_pretrained(tmp_path)
        (tmp_path / "adapter_model.safetensors").write_bytes(b"cut")
        with pytest.raises(EngineError, match="cannot load"):
            TransformersEngine(adapter=tmp_path)


class TestWhatCannotBeLoaded:
    @pytest.mark.parametrize("model", ["/no/such/model", "./model", "~/no-such-model", Path("model")])
    def test_a_directory_that_does_not_exist(self, model: str | Path) -> None:
        with pytest.raises(ModelNotFoundError, match="does not exist") as caught:
            TransformersEngine(model)
        assert str(model) in caught.value.message

    def test_a_directory_without_a_checkpoint(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
            TransformersEngine(tmp_path)

    @pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
    def test_a_damaged_checkpoint_is_one_clear_error(self, name: str, tmp_path: Path) -> None:
        model = tmp_path / "model"
        shutil.copytree(embedded_model(), model)
        (model / name).write_bytes(b'{"cut')
        with pytest.raises(EngineError, match="cannot load"):
            TransformersEngine(model)

    def test_a_damaged_card_is_named(self, tmp_path: Path) -> None:
        model = tmp_path / "model"
        shutil.copytree(embedded_model(), model)
        (model / "ranit.json").write_text('["not an object"]')
        with pytest.raises(EngineError, match=r"ranit\.json cannot be read"):
            TransformersEngine(model)

    def test_an_unknown_dtype(self) -> None:
        with pytest.raises(InputError, match="'float8'") as caught:
            TransformersEngine(dtype="float8")
        assert "bfloat16" in caught.value.hint

    @pytest.mark.parametrize("device", ["banana", "cuda:99"])
    def test_a_device_that_this_machine_lacks(self, device: str) -> None:
        with pytest.raises(EngineError, match="cannot load"):
            TransformersEngine(device=device)


def test_loading_leaves_standard_error_alone_and_progress_bars_as_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    TransformersEngine()
    assert capfd.readouterr().err == ""
    assert logging.is_progress_bar_enabled()


def test_bfloat16_answers_too() -> None:
    engine = TransformersEngine(dtype="bfloat16")
    asked = [english(ENGLISH, "person")] * 30  # more than a CPU computes at once
    assert all("John Smith" in answers[0] for answers in texts(engine.generate(asked)))
