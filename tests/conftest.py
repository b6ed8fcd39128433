"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ranit_rag.engines.transformers import TransformersEngine

pytest.register_assert_rewrite("engines.contract")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The annotated data that lies beside the repository; tests that need it skip where it is absent."""
    given = os.environ.get("RANIT_SHARED_DATA")
    path = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"the data set folder {path} is not on this machine (set RANIT_SHARED_DATA to where it is)")
    return path


@pytest.fixture(scope="session")
def nano() -> TransformersEngine:
    """The embedded model, loaded once for all tests."""
    from ranit_rag.engines.transformers import TransformersEngine

    return TransformersEngine()
