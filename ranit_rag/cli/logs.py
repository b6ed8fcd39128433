"""What RANIT and the libraries under it may say on standard error while a command runs."""

from __future__ import annotations

import logging
import os
import sys


def set_up_logs(*, quiet: bool) -> None:
    """Show RANIT's warnings as ``warning: …``, or none when ``quiet``; libraries' bars on a terminal only.

    Must run before transformers is imported, which reads its variables then. What the user set stays.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    logger = logging.getLogger("ranit_rag")
    logger.handlers = [handler]
    logger.setLevel(logging.ERROR if quiet else logging.WARNING)
    if quiet:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if quiet or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
