"""Annotation: an open NER data set from raw text, by any OpenAI-compatible model (the UniversalNER recipe)."""

from ranit_training.annotate.asking import Annotator
from ranit_training.annotate.recipe import Recipe, load_recipe, recipe_names
from ranit_training.annotate.run import Annotation, Corpus, Estimate, Prices, annotate, estimate

__all__ = [
    "Annotation",
    "Annotator",
    "Corpus",
    "Estimate",
    "Prices",
    "Recipe",
    "annotate",
    "estimate",
    "load_recipe",
    "recipe_names",
]
