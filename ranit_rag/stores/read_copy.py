"""A copy of what was read from a directory of stores, so that the next process which only reads needs no Chroma.

To import Chroma and to open its files takes most of a second, the copy some milliseconds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranit_rag.errors import StoreError
from ranit_rag.stores.arrays import read_arrays, write_arrays
from ranit_rag.stores.checks import unit_rows
from ranit_rag.stores.records import Entry, Header, example_of, metadata_of
from ranit_rag.stores.snapshot import Snapshot

FORMAT = 1
LARGEST = 20_000  # examples of a store: beside reading more of them Chroma's start is nothing, and a copy takes disk
_MANIFEST = "manifest.npz"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The stores that a directory has, and the files of those snapshots that were read."""

    entries: Mapping[str, Entry]
    files: frozenset[str]


class ReadCopy:
    """Files in ``folder``, which hold for as long as ``state`` says what it said when they were written.

    ``state`` says something else whenever somebody may have written Chroma's files; None where that cannot be told.
    Since opening these files changes them, a session calls ``opening`` before it does so and ``closed`` when it has
    closed them, under the lock that writers hold. What cannot be read is not there, what cannot be written is not kept.
    """

    def __init__(self, folder: Path, state: Callable[[], str | None]) -> None:
        self._folder = folder
        self._state = state
        self._loaded: tuple[str, _Kept] | None = None
        self._before: _Kept | None = None
        self._written = False
        self._listed: Mapping[str, Entry] | None = None
        self._read: dict[str, Snapshot] = {}

    def entries(self) -> Mapping[str, Entry] | None:
        """The stores that are there; None where no copy tells."""
        kept = self._kept()
        return None if kept is None else kept.entries

    def snapshot(self, entry: Entry) -> Snapshot | None:
        """What a store holds; None where no copy of this version tells."""
        kept = self._kept()
        file = _file(entry.collection, entry.header.version)
        if kept is None or file not in kept.files:
            return None
        try:
            return _snapshot(read_arrays(self._folder / file) or {}, entry.header)
        except (KeyError, TypeError, ValueError, StoreError) as error:
            _logger.info("%s is not used: %r", file, error)
            return None

    def opening(self) -> None:
        """Before Chroma's files are opened."""
        self._before, self._written = self._kept(), False

    def listed(self, entries: Mapping[str, Entry]) -> None:
        """To be kept when the session ends."""
        self._listed = entries

    def read(self, entry: Entry, snapshot: Snapshot) -> None:
        """To be kept when the session ends, unless it is large."""
        if len(snapshot) <= LARGEST:
            self._read[entry.collection] = snapshot

    def written(self) -> None:
        """Something was, in this session: what it listed and read before does not hold any more."""
        self._written, self._listed = True, None
        self._read.clear()

    def closed(self) -> None:
        """Keeps what was listed and read, and what was kept before of stores that nobody has written.

        Of what was written or deleted nothing stays.
        """
        before, entries, read = self._before, self._listed, dict(self._read)
        self._before, self._listed = None, None
        self._read.clear()
        if entries is None and before is not None and not self._written:
            entries = before.entries
        if entries is None:
            if self._written:
                self._remove_all_but(frozenset())
            return
        current = {_file(entry.collection, entry.header.version) for entry in entries.values()}
        files = current & before.files if before else set()
        for collection, snapshot in read.items():
            file = _file(collection, snapshot.version)
            if file in current and write_arrays(self._folder / file, _arrays(snapshot)):
                files.add(file)
        self._keep(_Kept(entries, frozenset(files)))

    def _keep(self, kept: _Kept) -> None:
        self._remove_all_but(kept.files | {_MANIFEST})
        self._loaded, state = None, self._state()
        if state is not None:
            write_arrays(self._folder / _MANIFEST, {"manifest": _packed(_manifest(state, kept))})

    def _remove_all_but(self, names: frozenset[str]) -> None:
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.name not in names:
                    path.unlink()

    def _kept(self) -> _Kept | None:
        """What is kept, if it holds."""
        state = self._state()
        if state is None:
            return None
        if self._loaded is None or self._loaded[0] != state:
            kept = _read_manifest(read_arrays(self._folder / _MANIFEST) or {}, state)
            if kept is None:  # somebody may be about to write it
                return None
            self._loaded = (state, kept)
        return self._loaded[1]


def _file(collection: str, version: int) -> str:
    return f"{collection}-{version}.npz"


def _manifest(state: str, kept: _Kept) -> dict[str, Any]:
    entries = [[entry.collection, entry.header.to_metadata(), entry.problem] for entry in kept.entries.values()]
    return {"format": FORMAT, "state": state, "entries": entries, "files": sorted(kept.files)}


def _read_manifest(arrays: Mapping[str, NDArray[Any]], state: str) -> _Kept | None:
    """What a manifest says, if it says so of this state."""
    try:
        manifest = _unpacked(arrays["manifest"])
        if manifest["format"] != FORMAT or manifest["state"] != state:
            return None
        entries = [
            Entry(collection, Header.from_metadata(metadata), problem)
            for collection, metadata, problem in manifest["entries"]
        ]
        return _Kept({entry.header.domain: entry for entry in entries}, frozenset(manifest["files"]))
    except (KeyError, TypeError, ValueError):
        return None


def _arrays(snapshot: Snapshot) -> dict[str, NDArray[Any]]:
    rows = zip(snapshot.keys, snapshot.examples, strict=True)
    records = [[key, example.text, metadata_of(example)] for key, example in rows]
    return {"vectors": snapshot.vectors, "records": _packed(records)}


def _snapshot(arrays: Mapping[str, NDArray[Any]], header: Header) -> Snapshot:
    """Raises KeyError, TypeError, ValueError or StoreError where the arrays are not those of such a snapshot."""
    records, vectors = _unpacked(arrays["records"]), arrays["vectors"]
    if vectors.dtype != np.float32 or vectors.shape != (len(records), header.embedding.dimension):
        raise ValueError(f"its vectors are {vectors.dtype} {vectors.shape}")
    if not unit_rows(vectors):
        raise ValueError("its vectors are not of length 1")
    keys = tuple(key for key, _, _ in records)
    examples = tuple(example_of(key, text, metadata, header.domain) for key, text, metadata in records)
    return Snapshot(header.version, keys, examples, vectors)


def _packed(content: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def _unpacked(content: NDArray[np.uint8]) -> Any:
    return json.loads(content.tobytes())
