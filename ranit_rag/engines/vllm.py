"""vLLM in process: prefix caching, LoRA, tensor parallel, and the span grammar by its guidance backend."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ranit_rag.engines.base import Answer, EngineInfo, Finish, Reply
from ranit_rag.engines.chat import PromptBuilder
from ranit_rag.engines.checkpoint import check_adapter, find_model, read_checkpoint
from ranit_rag.engines.grammar import span_grammar, surface_of
from ranit_rag.engines.spelling import spell
from ranit_rag.errors import ContextLengthError, EngineError, ModelNotFoundError
from ranit_rag.extras import require
from ranit_rag.prompts.conversation import Conversation, Query
from ranit_rag.results import Usage

# Adapters are padded to one of these ranks; vLLM accepts no others.
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


class VLLMEngine:
    """Answers conversations with a checkpoint that vLLM holds in this process's own engine.

    ``model`` is a directory or hub name, None the embedded model; ``adapter`` the directory of a LoRA adapter for it.
    ``tensor_parallel`` is a number of GPUs, ``max_context`` a number of tokens (None: what the checkpoint says),
    ``gpu_memory`` the share of each GPU's memory to take. On a CPU it is the share of the machine's memory, which has
    to be free, and VLLM_CPU_KVCACHE_SPACE (GiB) bounds the cache. Raises ModelNotFoundError, MissingExtraError, and
    EngineError where vLLM cannot load the checkpoint.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        adapter: str | Path | None = None,
        tensor_parallel: int = 1,
        dtype: str = "auto",
        max_context: int | None = None,
        gpu_memory: float = 0.9,
    ) -> None:
        from llguidance.hf import from_tokenizer

        found = find_model(model)
        checkpoint = read_checkpoint(found).adapted(adapter)
        if adapter is not None and Path(found).is_dir():
            check_adapter(Path(adapter), Path(found))
        lora = {} if adapter is None else {"enable_lora": True, "max_lora_rank": _rank(Path(adapter))}
        # vLLM logs to stdout, which belongs to the data.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        self._vllm: Any = require("vllm", extra="vllm")
        try:
            self._llm = self._vllm.LLM(
                model=found,
                tensor_parallel_size=tensor_parallel,
                dtype=dtype,
                max_model_len=max_context or checkpoint.context,
                gpu_memory_utilization=gpu_memory,
                enable_prefix_caching=True,
                structured_outputs_config={"backend": "guidance"},
                # Compilation takes longer than most runs on a CPU last.
                enforce_eager=_on_cpu(),
                **lora,
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise EngineError(
                f"vLLM cannot load {found!r}: {error}",
                hint="its log says why; where memory is short, lower gpu_memory or max_context",
            ) from error
        tokenizer = self._llm.get_tokenizer()
        self._prompts = PromptBuilder(tokenizer)
        self._surface = surface_of(tokenizer)
        self._special_ids = frozenset(tokenizer.all_special_ids)
        self._bytes = from_tokenizer(tokenizer)
        self._lora = None if adapter is None else _lora_request(Path(adapter))
        self._info = EngineInfo(
            "vllm",
            str(model) if model is not None else "nano",
            self._llm.llm_engine.model_config.max_model_len,
            checkpoint.window,
            checkpoint.profiles,
            checkpoint.calibration,
            checkpoint.decoding,
            renormalised=True,  # vLLM masks the logits before its sampler makes probabilities of them
        )
        self._lock = threading.Lock()

    @property
    def info(self) -> EngineInfo:
        return self._info

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` as the model's tokenizer counts them."""
        return self._prompts.count_tokens(text)

    def render(self, conversation: Conversation, query: Query) -> str:
        """The prompt of a query as the model reads it."""
        return self._prompts.render(conversation, query)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """Answer every query in one batch; a conversation that is too long has a ContextLengthError in its reply."""
        prompts: list[list[int]] = []
        sampling: list[Any] = []
        errors: dict[int, EngineError] = {}
        for i, conversation in enumerate(conversations):
            encoded = self._prompts.encode(conversation)
            longest = len(encoded.prefix) + max(map(len, encoded.queries), default=0)
            if longest >= self._info.context:
                errors[i] = ContextLengthError(
                    f"the conversation has {longest} tokens, the model reads {self._info.context} with the answer",
                    hint="show fewer or shorter examples, or split the text into smaller windows",
                )
                continue
            for query, ids in zip(conversation.queries, encoded.queries, strict=True):
                prompts.append([*encoded.prefix, *ids])
                sampling.append(self._sampling(conversation, query, max_tokens))
        outputs = iter(self._run(prompts, sampling))
        return [
            Reply(error=errors[i]) if i in errors else self._reply([next(outputs) for _ in conversation.queries])
            for i, conversation in enumerate(conversations)
        ]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """As ``generate``, in a thread: one batch is vLLM's best case, its async engine is a second one to load."""
        return await asyncio.to_thread(self.generate, conversations, max_tokens=max_tokens)

    def close(self) -> None:
        """End vLLM's processes and free their memory; the engine answers no more."""
        self._llm.llm_engine.engine_core.shutdown()

    def _sampling(self, conversation: Conversation, query: Query, max_tokens: int) -> Any:
        grammar = None
        if conversation.source is not None:
            types = query.types if conversation.form == "object" else ()
            grammar = span_grammar(conversation.source, form=conversation.form, types=types, surface=self._surface)
        params = self._vllm.sampling_params
        return params.SamplingParams(
            temperature=0,
            max_tokens=max_tokens,
            logprobs=0,
            # Pieces of text are made here from the bytes of the tokens: vLLM's own lose characters where a decoder
            # removes what the tokenizer's normaliser wrote.
            detokenize=False,
            structured_outputs=None if grammar is None else params.StructuredOutputsParams(grammar=grammar),
        )

    def _run(self, prompts: list[list[int]], sampling: list[Any]) -> list[Any]:
        if not prompts:
            return []
        requests = [{"prompt_token_ids": ids} for ids in prompts]
        try:
            with self._lock:  # an LLM takes one batch at a time
                outputs: list[Any] = self._llm.generate(requests, sampling, lora_request=self._lora, use_tqdm=False)
        except (ValueError, RuntimeError) as error:
            raise EngineError(
                f"vLLM failed: {error}", hint="its log says why; a dead engine has to be loaded again"
            ) from error
        return outputs

    def _reply(self, outputs: list[Any]) -> Reply:
        usage = Usage()
        for output in outputs:
            made = len(output.outputs[0].token_ids)
            usage += Usage(len(output.prompt_token_ids), output.num_cached_tokens or 0, made, calls=1)
        return Reply(tuple(self._answer(output.outputs[0]) for output in outputs), usage)

    def _answer(self, completion: Any) -> Answer:
        chosen = zip(completion.token_ids, completion.logprobs, strict=True)
        tokens = spell(
            (
                (self._bytes.decode_bytes([token]), logprobs[token].logprob)
                for token, logprobs in chosen
                if token not in self._special_ids
            ),
            joiner=self._surface.joiner,
        )
        finish: Finish = "length" if completion.finish_reason == "length" else "stop"
        return Answer("".join(token.text for token in tokens), tokens, finish)


def _on_cpu() -> bool:
    return bool(require("vllm.platforms", extra="vllm").current_platform.is_cpu())


def _rank(adapter: Path) -> int:
    """The least rank that vLLM offers and the adapter fits in."""
    try:
        rank = int(json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelNotFoundError(
            f"{str(adapter)!r} holds no LoRA adapter: {error}",
            hint="give the directory that peft saved the adapter to, with adapter_config.json in it",
        ) from error
    return min((r for r in _LORA_RANKS if r >= rank), default=rank)


def _lora_request(adapter: Path) -> Any:
    return require("vllm.lora.request", extra="vllm").LoRARequest("adapter", 1, str(adapter.resolve()))
