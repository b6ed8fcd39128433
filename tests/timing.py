"""How long something may take."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Processor time of this thread, for the machine may be busy, without a walk through the garbage of other tests."""
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    started = time.thread_time()
    try:
        yield
        taken = time.thread_time() - started
    finally:
        if collecting:
            gc.enable()
    assert taken < seconds
