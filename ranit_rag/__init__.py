"""RANIT: open named entity recognition with retrieval augmented instruction tuning.

>>> from ranit_rag import Ranit
>>> ner = Ranit()
>>> ner.extract("Aspirin eased her migraine.", ["drug", "disease"]).entities  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ranit_rag.config import Settings as Settings
    from ranit_rag.engines import Answer as Answer
    from ranit_rag.engines import Engine as Engine
    from ranit_rag.engines import Reply as Reply
    from ranit_rag.engines import open_engine as open_engine
    from ranit_rag.errors import RanitError as RanitError
    from ranit_rag.overlaps import Decoding as Decoding
    from ranit_rag.pipeline import Ranit as Ranit
    from ranit_rag.planning import Request as Request
    from ranit_rag.prompts import Conversation as Conversation
    from ranit_rag.prompts import Message as Message
    from ranit_rag.prompts import Query as Query
    from ranit_rag.results import Extraction as Extraction
    from ranit_rag.results import Failure as Failure
    from ranit_rag.results import Usage as Usage
    from ranit_rag.stores import open_stores as open_stores
    from ranit_rag.stores.base import AddReport as AddReport
    from ranit_rag.stores.base import ExampleStore as ExampleStore
    from ranit_rag.stores.base import StoreSet as StoreSet
    from ranit_rag.stores.base import StoreStats as StoreStats
    from ranit_rag.stores.base import store_stats as store_stats
    from ranit_rag.types import Decision as Decision
    from ranit_rag.types import Entity as Entity
    from ranit_rag.types import EntityType as EntityType
    from ranit_rag.types import Example as Example
    from ranit_rag.types import ShownExample as ShownExample

_HOME = {
    "AddReport": "ranit_rag.stores.base",
    "Answer": "ranit_rag.engines",
    "Conversation": "ranit_rag.prompts",
    "Decision": "ranit_rag.types",
    "Decoding": "ranit_rag.overlaps",
    "Engine": "ranit_rag.engines",
    "Entity": "ranit_rag.types",
    "EntityType": "ranit_rag.types",
    "Example": "ranit_rag.types",
    "ExampleStore": "ranit_rag.stores.base",
    "Extraction": "ranit_rag.results",
    "Failure": "ranit_rag.results",
    "Message": "ranit_rag.prompts",
    "Query": "ranit_rag.prompts",
    "Ranit": "ranit_rag.pipeline",
    "RanitError": "ranit_rag.errors",
    "Reply": "ranit_rag.engines",
    "Request": "ranit_rag.planning",
    "Settings": "ranit_rag.config",
    "ShownExample": "ranit_rag.types",
    "StoreSet": "ranit_rag.stores.base",
    "StoreStats": "ranit_rag.stores.base",
    "Usage": "ranit_rag.results",
    "open_engine": "ranit_rag.engines",
    "open_stores": "ranit_rag.stores",
    "store_stats": "ranit_rag.stores.base",
}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ranit_rag' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
