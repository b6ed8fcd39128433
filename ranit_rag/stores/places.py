"""Where Chroma keeps its collections: a directory of one machine, or a server.

Chroma is imported when the first session opens.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from ranit_rag.errors import RanitError, StoreError
from ranit_rag.stores.read_copy import ReadCopy

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.config import Settings

DATABASE_FILE = "chroma.sqlite3"
LOCK_FILE = "ranit.lock"
OWNER_FILE = "ranit.owner"
STAMP_FILE = "ranit.stamp"
COPY_FOLDER = "ranit.read"


class Place(Protocol):
    """Gives access to Chroma, and says cheaply whether it may hold something new."""

    @property
    def exists(self) -> bool:
        """Whether there is anything: a session makes the place if need be."""
        ...

    @property
    def copy(self) -> ReadCopy | None:
        """What earlier sessions read, where that is kept."""
        ...

    def session(self) -> AbstractContextManager[Client]:
        """A client to use inside the ``with``; sessions nest. Raises StoreError."""
        ...

    def guard(self) -> AbstractContextManager[None]:
        """To be put around calls of Chroma: turns whatever they raise into a StoreError with the remedy."""
        ...

    def stamp(self) -> object:
        """Another value whenever somebody, here or elsewhere, may have written."""
        ...

    def written(self) -> None:
        """Says that something was written in this session."""
        ...

    def close(self) -> None: ...


class Directory:
    """Chroma's files in a directory.

    Chroma may not be open in two processes on one directory: one does not see what the other writes, and the index
    breaks. So a session holds a lock for as long as its client is open, and no longer: processes take turns. One that
    waits more than ``patience`` seconds gets a StoreError that names the process at work.
    """

    def __init__(self, path: Path, *, patience: float = 20.0) -> None:
        self.path = path.expanduser().absolute()
        self._patience = patience
        self._threads = threading.RLock()
        self._client: Client | None = None
        self._copy = ReadCopy(self.path / COPY_FOLDER, self._state)

    def __str__(self) -> str:
        return f"the store directory {self.path}"

    @property
    def copy(self) -> ReadCopy:
        return self._copy

    @property
    def exists(self) -> bool:
        return self.path.exists() and bool(self._contents())

    @contextmanager
    def session(self) -> Iterator[Client]:
        with self._threads:
            if self._client is not None:
                yield self._client
                return
            self._prepare()
            with self._lock():
                self._copy.opening()
                with self.guard():
                    self._client = _persistent_client(self.path)
                try:
                    yield self._client
                finally:
                    client, self._client = self._client, None
                    client.close()
                    self._copy.closed()

    def guard(self) -> AbstractContextManager[None]:
        return _translated(
            self,
            "restore it from a copy, or move it away and import the examples again; "
            "if the disk is full or not writable, make room or change its permissions",
        )

    def stamp(self) -> object:
        with suppress(OSError):
            return (self.path / STAMP_FILE).read_bytes()
        return b""

    def written(self) -> None:
        self._copy.written()
        (self.path / STAMP_FILE).write_text(f"{time.time_ns()} {os.getpid()}")

    def close(self) -> None:
        """Nothing stays open between sessions."""

    def _state(self) -> str | None:
        """Another text whenever somebody, with our programs or without, may have written Chroma's database."""
        try:
            names = sorted(name for name in os.listdir(self.path) if name.startswith(DATABASE_FILE))  # its journal, too
            found = [(name, (self.path / name).stat()) for name in names]
        except OSError:
            return None
        database = [f"{name} {each.st_size} {each.st_mtime_ns} {each.st_ctime_ns}" for name, each in found]
        return "\n".join([repr(self.stamp()), *database]) if database else None

    def _prepare(self) -> None:
        with self.guard():
            self.path.mkdir(parents=True, exist_ok=True)
        contents = self._contents()
        if contents and DATABASE_FILE not in contents:
            raise StoreError(
                f"{self.path} holds other files ({contents[0]} …) and no stores",
                hint=f"choose an empty directory; if there were stores, restore their {DATABASE_FILE} from a copy",
            )

    def _contents(self) -> list[str]:
        """The names of the files and directories that are not our own small ones."""
        with self.guard():
            return sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("ranit."))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        # A singleton, so that two sets of stores in one process, one used within the other, do not wait for themselves.
        lock = FileLock(self.path / LOCK_FILE, is_singleton=True, thread_local=False)
        owner = self.path / OWNER_FILE
        with self.guard():
            try:
                lock.acquire(timeout=self._patience)
            except Timeout as error:
                process = owner.read_text() if owner.exists() else "unknown"
                raise StoreError(
                    f"{self} is in use by process {process}, and was for {self._patience:g} seconds",
                    hint="wait until that is done; many processes write best to a server: chroma run --path DIRECTORY",
                ) from error
        try:
            with self.guard():
                owner.write_text(str(os.getpid()))
            yield
        finally:
            lock.release()


class Server:
    """A Chroma server. What others write there is seen at most ``refresh`` seconds later."""

    def __init__(
        self,
        url: str,
        *,
        tenant: str = "default_tenant",
        database: str = "default_database",
        headers: Mapping[str, str] | None = None,
        refresh: float = 2.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise StoreError(
                f"{url!r} is not the URL of a Chroma server", hint="write http://host:8000 or https://host"
            )
        self.url = url
        self._host = parts.hostname
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 8000)
        self._tenant = tenant
        self._database = database
        self._headers = dict(headers or {})
        self._refresh = refresh
        self._lock = threading.Lock()
        self._client: Client | None = None

    def __str__(self) -> str:
        return f"the Chroma server {self.url} (tenant {self._tenant}, database {self._database})"

    @property
    def exists(self) -> bool:
        return True

    @property
    def copy(self) -> None:
        """None: the server is asked."""

    @contextmanager
    def session(self) -> Iterator[Client]:
        with self._lock, self.guard():
            if self._client is None:
                self._client = self._connect()
        yield self._client

    def guard(self) -> AbstractContextManager[None]:
        return _translated(
            self,
            "check that it runs, and the URL, tenant, database and headers; "
            "a write that was cut off can be run again: nothing is lost or written twice",
        )

    def _connect(self) -> Client:
        import chromadb

        client = chromadb.HttpClient(
            self._host,
            self._port,
            ssl=self._secure,
            headers=self._headers,
            settings=_settings(),
            tenant=self._tenant,
            database=self._database,
        )
        return cast("Client", client)

    def stamp(self) -> object:
        return int(time.monotonic() / self._refresh) if self._refresh > 0 else object()

    def written(self) -> None:
        """The server itself is asked what is new."""

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


def _settings() -> Settings:
    """Settings of one client, which changes them."""
    return _environment().model_copy()


@cache
def _environment() -> Settings:
    """What the environment and a file ``.env`` say to Chroma: reading them takes longer than opening a client."""
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _persistent_client(path: Path) -> Client:
    import chromadb

    return cast("Client", chromadb.PersistentClient(path, settings=_settings()))


@contextmanager
def _translated(place: Place, remedy: str) -> Iterator[None]:
    """Chroma raises its own errors, bare ValueErrors, those of httpx and those of its Rust core: all become one."""
    try:
        yield
    except RanitError:
        raise
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise StoreError(f"cannot use {place}: {reason}", hint=remedy) from error
