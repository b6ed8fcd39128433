"""What types are called in an episode: by their own name, by a synonym, or by an invented one."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

Names = Mapping[str, str]

_SYLLABLES = (
    *("ba", "bel", "bri", "cor", "da", "dax", "fen", "gal", "gri", "hul", "jor", "ka", "lum", "mi", "mot", "na", "nor"),
    *("pel", "quo", "ra", "rin", "sel", "sto", "tal", "tor", "ul", "van", "wex", "wug", "yol", "zar", "zen"),
)
_CHARACTERS = "岚蘅珞砚漪翎槿霖沅璟蓼蕤澹昶绫铎瑾毓濯岫谡骞"
_MOST_TRIES = 50


@cache
def synonyms() -> dict[str, dict[str, list[str]]]:
    """By language and type, from ``synonyms.toml``."""
    return tomllib.loads(Path(__file__).with_name("synonyms.toml").read_text("utf-8"))


def own_names(labels: Sequence[str], language: str, share: float, rng: random.Random) -> Names:
    """Each type by its own name, or with probability ``share`` by a synonym that no other type goes by."""
    known = synonyms().get(language, {})
    names: dict[str, str] = {}
    for label in labels:
        name = rng.choice(known[label]) if label in known and rng.random() < share else label
        names[label] = label if name in labels or name in names.values() else name
    return names


def invented_names(
    labels: Sequence[str], known: Sequence[str], language: str, others: Sequence[str], rng: random.Random
) -> Names:
    """Each type by a name that says nothing, or says something else: made-up words, letters, names of ``others``.

    No type gets the name of one that the text's set knows.
    """
    names: dict[str, str] = {}
    taken = {label.casefold() for label in (*labels, *known)}
    free = [name for name in others if name.casefold() not in taken]
    kind = rng.choice(("word", "letter", "other"))
    for label in labels:
        for _ in range(_MOST_TRIES):
            name = _invented(kind, language, free, rng)
            if name.casefold() not in taken:
                break
        taken.add(name.casefold())
        names[label] = name
    return names


def _invented(kind: str, language: str, others: Sequence[str], rng: random.Random) -> str:
    if kind == "other" and others:
        return rng.choice(others)
    if kind == "letter":
        sign = rng.choice("ABCDEFGHKLMNPQRSTUVWXYZ甲乙丙丁戊己庚辛" if language == "zh" else "ABCDEFGHKLMNPQRSTUVWXYZ")
        sign += rng.choice(("", str(rng.randrange(10))))
        return f"类型{sign}" if language == "zh" else rng.choice(("type {}", "class {}", "{}")).format(sign)
    return pseudo_word(language, rng)


def pseudo_word(language: str, rng: random.Random) -> str:
    """A word that means nothing, and that few texts hold."""
    if language == "zh":
        return "".join(rng.sample(_CHARACTERS, rng.choice((2, 2, 3))))
    return "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3))))
