"""A base and conversations that all tests here train on."""

from __future__ import annotations

from pathlib import Path

import pytest
from training.tiny_runs import write_base, write_conversations


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_conversations(tmp_path_factory.mktemp("data"))
