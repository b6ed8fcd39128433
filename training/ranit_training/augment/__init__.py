"""Augmentation: retrieved examples in front of each conversation."""

from ranit_training.augment.examples import ExampleFinder, Retrieval, Shown
from ranit_training.augment.neighbours import nearest_neighbours

__all__ = ["ExampleFinder", "Retrieval", "Shown", "nearest_neighbours"]
