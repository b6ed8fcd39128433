"""Episodes in which nothing varies."""

from __future__ import annotations

from ranit_training.nano.config import EpisodeConfig

PLAIN = EpisodeConfig(
    examples=(0.0, 0.0, 1.0),
    near=1.0,
    anywhere=0.0,
    mixed=0.0,
    renamed=0.0,
    estranged=0.0,
    synonyms=0.0,
    grouped=0.0,
    joined=0.0,
    swapped=0.0,
    lower=0.0,
    typos=0.0,
    foreign=0.0,
)
