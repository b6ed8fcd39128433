"""``python -m ranit_rag`` for a launch that shards the model over CPUs.

accelerate takes the FSDP settings of a launch on GPUs alone, though PyTorch shards over gloo too: here it takes them.
"""

from __future__ import annotations

from typing import Any

from accelerate import state
from accelerate.utils import DistributedType

from ranit_rag.cli.main import main

made = state.AcceleratorState.__init__


def made_with_fsdp(self: Any, *arguments: Any, fsdp_plugin: Any = None, **options: Any) -> None:
    made(self, *arguments, fsdp_plugin=fsdp_plugin, **options)
    self.distributed_type = DistributedType.FSDP
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin


state.AcceleratorState.__init__ = made_with_fsdp  # type: ignore[method-assign]
main()
