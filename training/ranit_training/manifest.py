"""What every output says of its making: ``<output>.manifest.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ranit_rag
from ranit_training.layouts import completed

VERSION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """How an output was made. It holds no time and no host: the same inputs and seed give the same bytes.

    ``profiles`` are pins (``name@hash``). ``parameters`` are the options that shaped the output, ``counts`` what came
    of it.
    """

    kind: str
    inputs: Sequence[Path]
    seed: int | None = None
    profiles: Sequence[str] = ()
    strategy: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)

    def write(self, outputs: Sequence[Path]) -> Path:
        """Write it beside the first of the outputs, and return its path."""
        content = {
            "manifest": VERSION,
            "kind": self.kind,
            "package": f"ranit-rag {ranit_rag.__version__}",
            "inputs": [_described(path) for path in self.inputs],
            "seed": self.seed,
            "profiles": list(self.profiles),
            "strategy": self.strategy,
            "parameters": dict(self.parameters),
            "counts": dict(self.counts),
            "outputs": [_described(path) for path in outputs],
        }
        path = manifest_path(outputs[0])
        with completed(path) as partial:
            partial.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
        return path


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output is."""
    return output.with_name(output.name + ".manifest.json")


def _described(path: Path) -> dict[str, Any]:
    """A hub name has no file, and so no hash."""
    if not path.exists():
        return {"path": str(path)}
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files)
    return {"path": str(path), "bytes": size, "sha256": sha256_of(files)}


def sha256_of(files: Iterable[Path]) -> str:
    """The hash of the files' contents, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
