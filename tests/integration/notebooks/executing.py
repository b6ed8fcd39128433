"""Runs notebooks in fresh kernels, without a network. As a program it writes them with their new outputs:

python -m tests.integration.notebooks.executing notebooks/*.ipynb
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HANGING = 600  # seconds: on two idle cores the longest notebook takes one minute
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
# How long an extraction took says more of the machine than of RANIT.
_TOOK = re.compile(r" · \d+\.\d\d s(?=</summary>| ·)")


def execute(path: Path, home: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in an empty folder with the stores of ``home``. Raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RANIT_", "OPENAI_", "MPL"))}
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=HANGING,
            kernel_name="python3",  # that of this very interpreter
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**kept, **OFFLINE, "RANIT_HOME": str(home)})
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Leave what a reader sees: no times, no metadata of the machine, one form of each output."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            if "data" in output:
                output.metadata = {}
                output.data = _seen(output.data)


def _seen(data: dict[str, Any]) -> dict[str, Any]:
    """The richest form of an output; objects that have one are no more than an address as plain text."""
    kept = {kind: data[kind] for kind in ("text/html", "image/png") if kind in data} or dict(data)
    return {kind: _TOOK.sub("", value) if kind == "text/html" else value for kind, value in kept.items()}


def main(paths: list[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        for path in map(Path, paths):
            notebook = execute(path, Path(home))
            tidy(notebook)
            nbformat.write(notebook, path)
            print(path, f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
