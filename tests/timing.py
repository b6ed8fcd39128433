"""How long something may take."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOP_SECONDS = 0.012  # of ``_loop`` on a machine for which the limits in milliseconds are meant


def slowness() -> float:
    """How many times as long as there Python takes here, at the moment; 1 where it is as fast, or faster."""
    return max(1.0, min(_loop() for _ in range(10)) / LOOP_SECONDS)


def _loop() -> float:
    started = time.perf_counter()
    total = 0
    for number in range(200_000):
        total += number * number % 7
    return time.perf_counter() - started


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
