"""Supervised fine-tuning on conversations: LoRA or full, packed, on one device or many."""

from ranit_training.sft.config import SftConfig
from ranit_training.sft.run import Trained, dry_run, train

__all__ = ["SftConfig", "Trained", "dry_run", "train"]
