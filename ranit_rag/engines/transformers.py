"""transformers in process: the engine for a laptop CPU, one GPU, and the embedded model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ranit_rag.engines.base import Answer, EngineInfo, Reply
from ranit_rag.engines.chat import EncodedConversation, PromptBuilder
from ranit_rag.engines.checkpoint import check_adapter, find_model, read_checkpoint
from ranit_rag.engines.hub import is_local_only, no_progress_bar
from ranit_rag.engines.spelling import spell
from ranit_rag.errors import ContextLengthError, EngineError, InputError, ModelNotFoundError, RanitError
from ranit_rag.extras import require
from ranit_rag.prompts.conversation import Conversation, Query
from ranit_rag.results import Usage

_DTYPES = ("auto", "float32", "bfloat16", "float16")
_USUAL_CONTEXT = 4096  # of models that do not say
# Of keys and values held at once. More makes a GPU faster; a CPU is no slower with less, and has the memory for others.
_CPU_BATCH_TOKENS, _BATCH_TOKENS = 4096, 16384


class TransformersEngine:
    """Answers conversations with a causal language model, sharing each prefix among its queries.

    ``model`` is a directory or hub name, None the embedded model; ``adapter`` the directory of a LoRA adapter that is
    merged into it on loading. ``device`` and ``dtype`` are chosen for the machine by default: CUDA and MPS at the
    checkpoint's precision, a CPU in float32. There ``bfloat16`` is several times faster where the processor has matrix
    units for it (x86 with AMX), and as slow where not; it changes some answers, and what shares a batch with a text can
    then change one too. ``batch_tokens`` bounds the tokens, padding included, whose keys and values are held at once:
    by default 4,096 on a CPU, 16,384 elsewhere.
    ``attention`` is one of transformers' implementations; with ``sdpa`` (PyTorch's own, which uses flash kernels where
    it can) the queries of many texts are decoded as one tree, with any other (``flash_attention_2``, say) text by text.

    Raises ModelNotFoundError, MissingExtraError (an adapter without peft), and EngineError where it cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        adapter: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int | None = None,
        attention: str = "sdpa",
    ) -> None:
        if dtype not in _DTYPES:
            raise InputError(f"{dtype!r} is not a dtype", hint=f"one of {', '.join(_DTYPES)}")
        found = find_model(model)
        checkpoint = read_checkpoint(found).adapted(adapter)
        tokenizer, self._model = _load(found, adapter, device, dtype, attention)
        usual = _CPU_BATCH_TOKENS if self._model.device.type == "cpu" else _BATCH_TOKENS
        self._batch_tokens = batch_tokens or usual
        self._prompts = PromptBuilder(tokenizer)
        self._guides, self._joiner = _guides(self._model, tokenizer)
        self._special = frozenset(tokenizer.all_special_ids)
        declared = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        context = checkpoint.context or declared or _USUAL_CONTEXT
        name = str(model) if model is not None else "nano"
        self._info = EngineInfo(
            "transformers",
            name,
            context,
            checkpoint.window,
            checkpoint.profiles,
            checkpoint.calibration,
            checkpoint.decoding,
        )
        self._decoder = _decoder(self._model, tokenizer, context)
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
        """Answer every query, in batches of like length; a conversation that is too long has an error in its reply."""
        encoded = [self._prompts.encode(conversation) for conversation in conversations]
        replies: dict[int, Reply] = {}
        for i, conversation in enumerate(encoded):
            longest = len(conversation.prefix) + max(map(len, conversation.queries), default=0)
            if longest >= self._info.context:
                replies[i] = Reply(error=_too_long(longest, self._info.context))
        fitting = [i for i in range(len(encoded)) if i not in replies]
        for batch in self._batches(fitting, encoded):
            for i, reply in zip(batch, self._answer(batch, conversations, encoded, max_tokens), strict=True):
                replies[i] = reply
        return [replies[i] for i in range(len(encoded))]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        """As ``generate``, in a thread."""
        return await asyncio.to_thread(self.generate, conversations, max_tokens=max_tokens)

    def _batches(self, indices: list[int], encoded: Sequence[EncodedConversation]) -> Iterator[list[int]]:
        """Conversations of like length together, as many as ``batch_tokens`` allow."""
        batch: list[int] = []
        columns = 0
        for i in sorted(indices, key=lambda i: _columns(encoded[i])):
            columns = max(columns, _columns(encoded[i]))
            if batch and (len(batch) + 1) * columns > self._batch_tokens:
                yield batch
                batch, columns = [], _columns(encoded[i])
            batch.append(i)
        if batch:
            yield batch

    def _answer(
        self,
        batch: list[int],
        conversations: Sequence[Conversation],
        encoded: Sequence[EncodedConversation],
        max_tokens: int,
    ) -> list[Reply]:
        with self._lock:  # a model runs one batch at a time; two would fight for the same cores
            guides = [self._guides.guides(conversations[i]) for i in batch]
            rows = self._decoder.decode([encoded[i] for i in batch], guides, max_tokens=max_tokens)
        return [self._reply(encoded[i], branches) for i, branches in zip(batch, rows, strict=True)]

    def _reply(self, encoded: EncodedConversation, branches: Sequence[Any]) -> Reply:
        prefix, queries = len(encoded.prefix), len(encoded.queries)
        usage = Usage(
            prompt_tokens=prefix * queries + sum(map(len, encoded.queries)),
            cached_tokens=prefix * max(queries - 1, 0),
            output_tokens=sum(len(branch.tokens) for branch in branches),
            calls=queries,
        )
        return Reply(tuple(self._spell(branch) for branch in branches), usage)

    def _spell(self, branch: Any) -> Answer:
        pieces = (
            (self._guides.token_bytes(token), logprob)
            for token, logprob in zip(branch.tokens, branch.logprobs, strict=True)
            if token not in self._special
        )
        tokens = spell(pieces, joiner=self._joiner)
        return Answer("".join(token.text for token in tokens), tokens, branch.finish)


def _columns(conversation: EncodedConversation) -> int:
    """Tokens of the conversation in a batch, with room for the answers that most texts get."""
    return len(conversation.prefix) + len(conversation.queries) * (max(map(len, conversation.queries), default=0) + 2)


def _too_long(tokens: int, context: int) -> ContextLengthError:
    return ContextLengthError(
        f"the conversation has {tokens} tokens, the model reads {context} with the answer",
        hint="show fewer or shorter examples, or split the text into smaller windows",
    )


def _load(found: str, adapter: str | Path | None, device: str, dtype: str, attention: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    chosen = _device(torch) if device == "auto" else device
    precision: Any = getattr(torch, dtype) if dtype != "auto" else torch.float32 if chosen == "cpu" else "auto"
    if adapter is not None and Path(found).is_dir():
        check_adapter(Path(adapter), Path(found))
    local = Path(found).is_dir() or is_local_only(found)
    # What comes over the network is worth a progress bar, what lies on the disk is not.
    try:
        with no_progress_bar() if local else nullcontext():
            # Without a word on it, transformers would ask on the terminal whether to run code that comes with a model.
            options = {"local_files_only": local, "trust_remote_code": False}
            tokenizer = AutoTokenizer.from_pretrained(found, **options)
            model = AutoModelForCausalLM.from_pretrained(
                found, dtype=precision, attn_implementation=attention, **options
            )
            if adapter is not None:
                model = _merged(model, Path(adapter))
        return tokenizer, model.to(chosen).eval()
    except RanitError:
        raise
    except Exception as error:  # transformers, safetensors, tokenizers and torch each have errors of their own
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"transformers cannot load {found!r}: {line}",
            hint="give a directory with a checkpoint, or a model name that the hub knows and this machine may fetch",
        ) from error


def _device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _merged(model: Any, adapter: Path) -> Any:
    if not (adapter / "adapter_config.json").is_file():
        raise ModelNotFoundError(
            f"{str(adapter)!r} holds no LoRA adapter: there is no adapter_config.json in it",
            hint="give the directory that peft saved the adapter to",
        )
    return require("peft", extra="train").PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()


def _decoder(model: Any, tokenizer: Any, context: int) -> Any:
    """Tree decoding where attention takes any mask and every layer sees the whole sequence; else text by text."""
    from ranit_rag.engines.decoding import TreeDecoder
    from ranit_rag.engines.sequential import SequentialDecoder

    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    if config._attn_implementation == "sdpa" and layers == {"full_attention"} and window is None:
        return TreeDecoder(model, context=context, pad_token=tokenizer.pad_token_id or 0)
    return SequentialDecoder(model, context=context)


def _guides(model: Any, tokenizer: Any) -> tuple[Any, str]:
    from ranit_rag.engines.guide import GuideFactory

    declared = model.generation_config.eos_token_id
    ends = declared if isinstance(declared, list) else [declared]
    end_tokens = sorted({end for end in [*ends, tokenizer.eos_token_id] if end is not None})
    factory = GuideFactory(tokenizer, model.config.get_text_config().vocab_size, end_tokens)
    return factory, factory.joiner
