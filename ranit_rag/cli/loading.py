"""Opening the pipeline at the start of a command."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ranit_rag.config import Settings
    from ranit_rag.pipeline import Ranit


def open_ranit(settings: Settings) -> Ranit:
    """The pipeline that the settings describe.

    The imports and the model make a million objects that stay until the end. Looking for garbage among them again and
    again would take a tenth of the time to the first answer, so nobody does, now or later.
    """
    gc.disable()
    try:
        from ranit_rag.pipeline import Ranit

        return Ranit(settings=settings)
    finally:
        gc.freeze()
        gc.enable()
