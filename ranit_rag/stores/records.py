"""What stands in a Chroma collection: the header in its metadata, and one record for each example."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ranit_rag.errors import DataError, StoreError
from ranit_rag.stores.base import Embedding
from ranit_rag.stores.checks import unit_rows
from ranit_rag.stores.snapshot import Vectors
from ranit_rag.stores.writing import Batch
from ranit_rag.types import Entity, Example

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration

SCHEMA = 1
PAGE = 1000  # records at once; of 1,024 dimensions that is 20 MB as JSON

# Searches run on snapshots, so Chroma's index is built as lightly as it can be: imports take two thirds of the time.
INDEX: CreateCollectionConfiguration = {"hnsw": {"space": "cosine", "max_neighbors": 4, "ef_construction": 16}}


@dataclass(frozen=True, slots=True)
class Header:
    """What a collection's metadata says of its store.

    ``writing`` holds, for each write that has not ended, the key of its first example and the time it began.
    """

    domain: str
    embedding: Embedding
    version: int
    writing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str | int]:
        return {
            "ranit_schema": SCHEMA,
            "ranit_domain": self.domain,
            "ranit_model": self.embedding.name,
            "ranit_dimension": self.embedding.dimension,
            "ranit_version": self.version,
            "ranit_writing": json.dumps(self.writing),
            "ranit_notes": json.dumps(self.notes, ensure_ascii=False),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Header:
        """Raises KeyError or ValueError where the metadata is not such a header."""
        return cls(
            domain=metadata["ranit_domain"],
            embedding=Embedding(metadata["ranit_model"], int(metadata["ranit_dimension"])),
            version=int(metadata["ranit_version"]),
            writing=json.loads(metadata["ranit_writing"]),
            notes=json.loads(metadata["ranit_notes"]),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A collection as Chroma lists it; ``problem`` says why it cannot be used as a store, or nothing."""

    collection: str
    header: Header
    problem: str = ""


def collection_name(domain: str) -> str:
    """A name within Chroma's rules: what is ASCII of the domain, and a hash that tells domains apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", domain.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(domain.encode()).hexdigest()[:12]
    return f"ranit-{slug}-{digest}" if slug else f"ranit-{digest}"


def list_entries(client: Client) -> dict[str, Entry]:
    """All stores among the collections, by domain. Collections of others are passed over."""
    entries: dict[str, Entry] = {}
    offset = 0
    while page := client.list_collections(limit=PAGE, offset=offset):
        offset += len(page)
        for collection in page:
            metadata = collection.metadata or {}
            if "ranit_domain" not in metadata:
                continue
            entry = _entry(collection.name, metadata, collection.configuration_json)
            entries[entry.header.domain] = entry
    return entries


def _entry(name: str, metadata: Mapping[str, Any], configuration: Mapping[str, Any]) -> Entry:
    try:
        header = Header.from_metadata(metadata)
    except (KeyError, TypeError, ValueError) as error:
        domain = str(metadata["ranit_domain"])
        return Entry(name, Header(domain, Embedding("", 0), 0), f"its header is damaged: {error!r}")
    index = configuration.get("hnsw") or configuration.get("spann") or {}
    problem = ""
    if metadata.get("ranit_schema") != SCHEMA:
        problem = f"it is of schema {metadata.get('ranit_schema')}, this release reads schema {SCHEMA}"
    elif (space := index.get("space")) != "cosine":
        problem = f"its space is {space}, not cosine"
    return Entry(name, header, problem)


def read_existing(collection: Collection, keys: Sequence[str]) -> dict[str, Example]:
    """The examples that stand under some of the keys."""
    if not keys:
        return {}
    page = collection.get(ids=list(keys), include=["documents", "metadatas"])
    return dict(_examples(page, ""))


def put_batch(collection: Collection, batch: Batch) -> None:
    """Write a batch; each is one transaction of Chroma, whole or not at all."""
    collection.upsert(
        ids=batch.keys,
        embeddings=batch.vectors,
        documents=[example.text for example in batch.examples],
        metadatas=[metadata_of(example) for example in batch.examples],
    )


def keys_of(collection: Collection, ids: Sequence[str]) -> list[str]:
    """The keys of the examples with these ids."""
    where: Any = {"ranit_id": {"$in": list(ids)}}  # Chroma's own type of it refuses a list of strings
    return list(collection.get(where=where, include=[])["ids"])


def read_all(collection: Collection, header: Header) -> tuple[list[str], list[Example], Vectors]:
    """Keys, examples and vectors ``[n, d]`` of a whole collection.

    Raises StoreError where they do not fit together: the files of the collection are damaged.
    """
    ids = collection.get(include=[])["ids"]  # then by id: by offset, each page would count from the beginning again
    keys: list[str] = []
    examples: list[Example] = []
    vectors = np.empty((len(ids), header.embedding.dimension), dtype=np.float32)
    for first in range(0, len(ids), PAGE):
        page = collection.get(ids=ids[first : first + PAGE], include=["documents", "metadatas", "embeddings"])
        rows = np.asarray(page["embeddings"], dtype=np.float32)
        start = len(keys)
        for key, example in _examples(page, header.domain):
            keys.append(key)
            examples.append(example)
        if rows.shape != vectors[start : len(keys)].shape or not unit_rows(rows):
            raise StoreError(
                f"store {header.domain!r} is damaged: the vectors of its examples {start} to {len(keys)} are lost",
                hint="export what can be read, delete the store and import it again",
            )
        vectors[start : len(keys)] = rows
    return keys, examples, vectors[: len(keys)]


def read_each(collection: Collection, domain: str) -> Iterator[Example | StoreError]:
    """The examples of a collection page by page, without their vectors; a damaged record is an error in its place."""
    ids = collection.get(include=[])["ids"]
    for first in range(0, len(ids), PAGE):
        page = collection.get(ids=ids[first : first + PAGE], include=["documents", "metadatas"])
        for key, text, metadata in zip(page["ids"], page["documents"] or (), page["metadatas"] or (), strict=True):
            try:
                yield example_of(key, text, metadata, domain)
            except StoreError as error:
                yield error


def metadata_of(example: Example) -> dict[str, str]:
    """What is kept of an example beside its text."""
    annotation = {
        "entities": [[e.start, e.end, e.label] for e in example.entities],
        "language": example.language,
        "source": example.source,
    }
    return {"ranit_id": example.id, "ranit_example": json.dumps(annotation, ensure_ascii=False)}


def _examples(page: Mapping[str, Any], domain: str) -> Iterator[tuple[str, Example]]:
    for key, text, metadata in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
        yield key, example_of(key, text, metadata, domain)


def example_of(key: str, text: str | None, metadata: Mapping[str, Any], domain: str) -> Example:
    """The example that was kept under a key. Raises StoreError where the record is damaged."""
    try:
        if text is None:
            raise ValueError("it has no text")
        annotation = json.loads(metadata["ranit_example"])
        entities = tuple(Entity(text[start:end], label, start, end) for start, end, label in annotation["entities"])
        return Example(text, entities, domain, annotation["language"], annotation["source"], metadata["ranit_id"])
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise StoreError(
            f"record {key} of store {domain!r} is damaged: {error!r}",
            hint="export what can be read, delete the store and import it again",
        ) from error
