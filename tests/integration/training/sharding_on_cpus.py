"""``python -m ranit_rag`` for a launch that keeps the model in pieces on CPUs.

accelerate takes the FSDP and DeepSpeed settings of a launch on GPUs alone, though both work over gloo: here it takes
them.
"""

from __future__ import annotations

import os
from typing import Any

from accelerate import state
from accelerate.utils import DistributedType

from ranit_rag.cli.main import main

made = state.AcceleratorState.__init__
kind = DistributedType.FSDP if os.environ.get("ACCELERATE_USE_FSDP") == "true" else DistributedType.DEEPSPEED


def made_with_pieces(self: Any, *arguments: Any, cpu: bool = False, fsdp_plugin: Any = None, **options: Any) -> None:
    given = {"cpu": cpu and kind == DistributedType.FSDP, "fsdp_plugin": fsdp_plugin}
    made(self, *arguments, **given, **options)
    self.distributed_type = kind
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin


state.AcceleratorState.__init__ = made_with_pieces  # type: ignore[method-assign]
main()
