"""Recipes: versioned prompts that ask a model for all entities of a passage with types of its own choosing."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from ranit_rag.errors import ProfileError

_FOLDER = Path(__file__).parent / "recipes"
_SLOT = "{text}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """``prompt`` holds ``{text}`` where the passage belongs; its answer is a list of (entity, type) pairs."""

    name: str
    language: str
    system: str
    prompt: str

    @property
    def pin(self) -> str:
        """``name@hash``: the hash covers what reaches the model."""
        wording = json.dumps([self.system, self.prompt])
        return f"{self.name}@{hashlib.sha256(wording.encode()).hexdigest()[:12]}"

    def messages(self, text: str) -> list[dict[str, str]]:
        """The chat that asks about a passage."""
        asked = {"role": "user", "content": self.prompt.replace(_SLOT, text)}
        return [{"role": "system", "content": self.system}, asked] if self.system else [asked]


def recipe_names() -> tuple[str, ...]:
    """The bundled recipes, sorted."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.glob("*.toml")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A bundled recipe by its name, or one from a ``.toml`` file. Raises ProfileError."""
    path = Path(name_or_path) if str(name_or_path).endswith(".toml") else _FOLDER / f"{name_or_path}.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ProfileError(
            f"there is no recipe {str(name_or_path)!r}",
            hint=f"recipes are {', '.join(recipe_names())}, or the path of a .toml file",
        ) from error
    except ValueError as error:
        raise ProfileError(f"the recipe {path} is not TOML: {error}", hint="start from a bundled one") from error
    expected = {field.name for field in fields(Recipe)}
    if table.keys() != expected or not all(isinstance(value, str) for value in table.values()):
        raise ProfileError(f"the recipe {path} holds {', '.join(table)}", hint=f"its texts are {', '.join(expected)}")
    if table["prompt"].count(_SLOT) != 1:
        raise ProfileError(f"the prompt of the recipe {path} lacks the passage", hint=f"write {_SLOT} once")
    return Recipe(**table)
