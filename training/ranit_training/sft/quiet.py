"""What the frameworks tell of themselves, kept from those who train."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ranit_rag.engines.hub import no_progress_bar


@contextmanager
def quietly() -> Iterator[None]:
    """No bars for files on the disk, and no warning that transformers renames ``gradient_checkpointing``: the least
    version that is supported knows the old name alone."""
    with no_progress_bar(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
        yield
