"""What was learned, in the ``ranit.json`` of its checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ranit_rag.engines.checkpoint import FILE_NAME, read_checkpoint
from ranit_rag.errors import DataError
from ranit_training.calibration.learning import Learned
from ranit_training.layouts import completed


def check_card(checkpoint: Path) -> None:
    """Raises DataError where the directory holds no ``ranit.json``, EngineError where that is damaged."""
    if not (checkpoint / FILE_NAME).is_file():
        raise DataError(f"there is no {FILE_NAME} in {checkpoint}", hint="`ranit merge` writes one")
    read_checkpoint(checkpoint)


def write_card(checkpoint: Path, learned: Learned, *, how: dict[str, Any]) -> None:
    """Put the calibration and the decoding into the card, as a whole or not at all; the rest of it stays.

    ``how`` is told beside the sets that it was fitted on.
    """
    path = checkpoint / FILE_NAME
    card = json.loads(path.read_text("utf-8"))
    sets = {
        each.name: {"split": each.split, "texts": each.texts, "mentions": each.mentions, "sha256": each.sha256}
        for each in learned.sets
    }
    card["calibration"] = {
        "temperature": learned.calibration.temperature,
        "bias": learned.calibration.bias,
        "rivals": learned.calibration.rivals,
        "fitted_on": {**how, "sets": sets},
    }
    learned_decoding = {"overlaps": learned.decoding.overlaps, "min_score": learned.decoding.min_score}
    card["decoding"] = {**card.get("decoding", {}), **learned_decoding}
    with completed(path) as partial:
        partial.write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
