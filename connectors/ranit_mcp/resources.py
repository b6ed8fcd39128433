"""The example stores as resources."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from ranit_mcp.contract import EXTRACTION_SCHEMA
from ranit_mcp.tools import Tools
from ranit_rag import ExampleStore, RanitError, store_stats


class Resources:
    """Reads what the tools' Ranit has in its stores."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def stores(self) -> str:
        """The example stores: domains, kinds of entity, sizes."""
        try:
            names = self._tools.ner.stores.names()
            return _json([store_stats(self._tools.ner.stores.open(name)).to_dict() for name in names])
        except RanitError as error:
            raise ResourceError(str(error)) from error

    def store(self, domain: str) -> str:
        """One example store: the kinds of entity that it knows, its size, its embedding model."""
        return _json(store_stats(self._open(domain)).to_dict())

    def examples(self, domain: str, offset: int = 0, limit: int = 50) -> str:
        """Examples of a store as JSON lines, fifty unless limit says otherwise."""
        shown = islice(self._open(domain).snapshot().examples, max(offset, 0), max(offset, 0) + max(limit, 0))
        return "".join(_json(example.to_dict()) + "\n" for example in shown)

    def schema(self) -> str:
        """The JSON schema of an extraction."""
        return _json(EXTRACTION_SCHEMA)

    def _open(self, domain: str) -> ExampleStore:
        stores = self._tools.ner.stores
        if domain not in stores.names():
            raise ResourceNotFoundError(f"there is no store {domain!r}")
        try:
            return stores.open(domain)
        except RanitError as error:
            raise ResourceError(str(error)) from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
