"""The embedded model under vLLM, in process and behind ``vllm serve``; started once for all tests here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ranit_rag.engines.base import Engine
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.openai import OpenAIEngine

CONTEXT = 1024
MEMORY = 0.3  # of the machine's
START = 300  # seconds

# Two engines share a small machine; vLLM reads these when it is imported.
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(START + 100))  # the first test waits for the start
            if find_spec("vllm") is None:
                item.add_marker(pytest.mark.skip(reason="vLLM is not installed: make test-vllm"))


@pytest.fixture(scope="session")
def in_process() -> Iterator[Engine]:
    from ranit_rag.engines.vllm import VLLMEngine

    engine = VLLMEngine(max_context=CONTEXT, gpu_memory=MEMORY)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a started ``vllm serve``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "served-model-name": "nano",
        "host": "127.0.0.1",
        "port": port,
        "max-model-len": CONTEXT,
        "max-num-seqs": 16,
        "gpu-memory-utilization": MEMORY,
    }
    command = [str(Path(sys.executable).parent / "vllm"), "serve", str(embedded_model()), "--enforce-eager"]
    command += ["--enable-prompt-tokens-details", *(f"--{name}={value}" for name, value in options.items())]
    log = tmp_path_factory.mktemp("vllm") / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@pytest.fixture(scope="session")
def served(server_url: str) -> Engine:
    return OpenAIEngine("nano", base_url=server_url)


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail("vllm serve did not start; the end of its log:\n" + log.read_text(errors="replace")[-3000:])
