"""What libraries may say on standard error while a command runs."""

from __future__ import annotations

import logging
import os
import sys


def set_up_logs(*, quiet: bool) -> None:
    """Show warnings as ``warning: …``, errors alone when ``quiet``; bars of downloads and loading on a terminal only.

    Must run before transformers is imported, which reads its settings then. What the user set stays.
    """
    logging.basicConfig(level=logging.ERROR if quiet else logging.WARNING, format="%(levelname)s: %(message)s")
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.ERROR, "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error" if quiet else "warning")
    if quiet or not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
