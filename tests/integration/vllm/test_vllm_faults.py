"""``vllm serve`` behind a proxy that spoils one request in five: a corpus loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.faults.fault_proxy import FAULTS
from integration.faults.proxied import check, run

TEXTS, TIMEOUT = 80, 10.0


@pytest.mark.timeout(700)
def test_all_faults_together(server_url: str, tmp_path: Path) -> None:
    assert not run(server_url, tmp_path / "whole", TEXTS, 120.0).failed
    check(server_url, tmp_path / "whole", FAULTS, tmp_path, texts=TEXTS, timeout=TIMEOUT)
