"""Example stores: the annotated texts of each domain, with their embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.stores.base import StoreSet


def open_stores(
    location: str | Path,
    *,
    tenant: str = "default_tenant",
    database: str = "default_database",
    headers: Mapping[str, str] | None = None,
) -> StoreSet:
    """The stores at a place: a directory, the URL of a Chroma server, or ``":memory:"``.

    ``tenant``, ``database`` and ``headers`` (a bearer token, say) are for a server. Nothing is opened or made yet.
    """
    if str(location) == ":memory:":
        from ranit_rag.stores.memory import MemoryStores

        return MemoryStores()
    from ranit_rag.stores.chroma import ChromaStores
    from ranit_rag.stores.places import Directory, Server

    if isinstance(location, str) and "://" in location:
        return ChromaStores(Server(location, tenant=tenant, database=database, headers=headers))
    return ChromaStores(Directory(Path(location)))


def configured_stores(settings: Settings) -> StoreSet:
    """The stores where the settings say, by default in the home folder."""
    location = settings.stores or settings.home / "stores"
    headers = {"Authorization": f"Bearer {settings.stores_token}"} if settings.stores_token else None
    return open_stores(location, tenant=settings.tenant, database=settings.database, headers=headers)
