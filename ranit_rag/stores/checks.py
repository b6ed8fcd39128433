"""What every store checks, and the errors it raises, so that all kinds of stores say the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np

from ranit_rag.errors import StoreError
from ranit_rag.stores.base import Embedder, Embedding
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.types import Example

NORM_TOLERANCE = 1e-3  # vectors may come from float16


def check_text(example: Example) -> None:
    """Raise StoreError where the text cannot be written as UTF-8."""
    try:
        example.text.encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            f"the text of example {example.id} holds half a surrogate pair at {error.start}",
            hint="decode the file as UTF-8, or replace the character",
        ) from error


def unit_rows(vectors: Vectors) -> bool:
    """Whether all rows have length 1, within what half precision loses."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return bool(np.all(np.abs(norms - 1) <= NORM_TOLERANCE))


def check_embedder(store: str, embedding: Embedding, embedder: Embedder) -> None:
    """Raise StoreError where ``embedder`` is not the model that the store is pinned to."""
    if Embedding(embedder.name, embedder.dimension) == embedding:
        return
    raise StoreError(
        f"store {store!r} holds embeddings of {embedding.name!r} ({embedding.dimension} dimensions), "
        f"not of {embedder.name!r} ({embedder.dimension})",
        hint=f"open it with {embedding.name!r}, or export it and import it into a new store with {embedder.name!r}",
    )


def check_name(name: str) -> str:
    """The domain without blanks around it. Raises StoreError where nothing is left, or where it has line breaks."""
    clean = name.strip()
    if not clean or not clean.isprintable():
        raise StoreError(f"{name!r} is not a name for a store", hint="any text in one line will do, for example 法律")
    return clean


def missing_store(name: str, names: Iterable[str]) -> StoreError:
    """What to raise where there is no store of this name."""
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    listed = f"stores are {', '.join(known)}" if known else "there are none yet"
    return StoreError(f"there is no store {name!r}", hint=f"{meant}{listed}; adding examples with a domain makes one")


def store_exists(name: str) -> StoreError:
    """What to raise where a new name is taken."""
    return StoreError(f"there is a store {name!r} already", hint="choose another name, or delete that store first")


def needs_embedder(name: str) -> StoreError:
    """What to raise where a store is to be made without an embedder."""
    return StoreError(f"store {name!r} cannot be made without an embedder", hint="open it with embedder=…, create=True")
