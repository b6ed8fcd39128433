"""What a checkpoint says of its scores, learned from annotated texts that it was not trained on."""

from __future__ import annotations

from ranit_training.calibration.card import write_card
from ranit_training.calibration.finding import FoundSet, find_in, together
from ranit_training.calibration.learning import Learned, learn

__all__ = ["FoundSet", "Learned", "find_in", "learn", "together", "write_card"]
