"""A proxy between the engine and a real server of the embedded model spoils one request in five."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.faults.fault_proxy import FAULTS
from integration.faults.proxied import check, run, started

TEXTS, TIMEOUT = 48, 6.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with started("model_server.py") as url:
        yield url


@pytest.fixture(scope="module")
def whole(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole") / "out"
    assert not run(server, output, TEXTS, 60.0).failed
    return output


@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", [*([fault] for fault in FAULTS), list(FAULTS)], ids="+".join)
def test_one_request_in_five(server: str, whole: Path, faults: list[str], tmp_path: Path) -> None:
    check(server, whole, faults, tmp_path, texts=TEXTS, timeout=TIMEOUT)
