"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from ranit_rag.engines.transformers import TransformersEngine

# How long an example takes says more of the machine than of the code.
settings.register_profile("ranit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ranit")

# A shell starts what it sends to the background deaf to Ctrl-C, and so would be the processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("engines.contract", "reading")


@pytest.fixture(scope="session", autouse=True)
def _a_home_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests never see the user's stores. Only those of retrieval build any: the others ask for no examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RANIT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RANIT_JUDGE", "never")
        yield


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
