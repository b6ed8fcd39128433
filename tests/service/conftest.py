"""An app over a scripted engine and stores in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ranit_rag import Settings, open_stores
from ranit_rag.service import create_app
from ranit_rag.testing import ScriptedEngine

Serve = Callable[..., TestClient]
SCRIPT = {("Aspirin", "drug"): ["Aspirin"], ("migraine", "disease"): ["migraine"], ("北京", "地名"): ["北京"]}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts an app with what is given, and waits until it is ready."""
    with ExitStack() as stack:

        def start(*, wait: bool = True, **parts: Any) -> TestClient:
            parts.setdefault("engine", ScriptedEngine(SCRIPT))
            parts.setdefault("stores", open_stores(":memory:"))
            settings = parts.pop("settings", None) or Settings(home=tmp_path, judge=parts.pop("judge", "never"))
            client = stack.enter_context(TestClient(create_app(settings, **parts), raise_server_exceptions=False))
            while wait and client.get("/readyz").status_code != 200:
                time.sleep(0.01)
            return client

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()
