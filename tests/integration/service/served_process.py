"""``ranit serve`` as a process of its own, over the embedded model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

ASKED = {"text": "Metformin lowered blood glucose in patients with type 2 diabetes.", "types": ["drug", "disease"]}


class Server:
    """A running server; its log lines are read as they come."""

    def __init__(self, home: Path, *options: str, judge: str = "never") -> None:
        (home / "stores").mkdir(parents=True, exist_ok=True)
        self.home = home
        self.log: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._listening = threading.Event()
        self.url = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ranit_rag", "serve", "--port", "0", "--stores", str(home / "stores"), *options],
            env={**os.environ, "RANIT_HOME": str(home), "RANIT_JUDGE": judge, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("{"):
                self.log.append(json.loads(line))
            elif line.startswith("listening at "):
                self.url = line.removeprefix("listening at ").strip()
                self._listening.set()
            else:
                self.other.append(line)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **options)

    def ready(self, seconds: float = 90) -> Server:
        assert self._listening.wait(seconds), self.other
        with self.client() as client:
            end = time.monotonic() + seconds
            while client.get("/readyz").status_code != 200:
                assert self.process.poll() is None, self.other
                assert time.monotonic() < end, self.log
                time.sleep(0.05)
        return self

    def stop(self, seconds: float = 60) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == event]
