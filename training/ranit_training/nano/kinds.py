"""What wide kind the mentions of a type are of: cities and rivers are locations.

Types of different kinds have no mention in common, so that a type of a kind of which a set annotates nothing is absent
of its texts; and where all that a text has of a kind is annotated, the text can be asked for the kind as a whole. Who
asks for a ``location`` expects the cities, too, whatever the sets call them.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Kind:
    """``types`` are those all of whose mentions are of the kind, ``perhaps`` those some of whose may be; ``asked``
    are the names by which a text can be asked for it, of which there may be none."""

    name: str
    types: frozenset[str]
    perhaps: frozenset[str]
    asked: tuple[str, ...]


@cache
def kinds(language: str) -> tuple[Kind, ...]:
    """From ``kinds.toml``."""
    tables = tomllib.loads(Path(__file__).with_name("kinds.toml").read_text("utf-8")).get(language, {})
    return tuple(
        Kind(
            name,
            frozenset(table.get("types", ())),
            frozenset(table.get("perhaps", ())),
            tuple(table.get("asked", ())),
        )
        for name, table in tables.items()
    )


@cache
def kinds_of(label: str, language: str) -> frozenset[str]:
    """The kinds of which mentions of a type are or may be: ``OTHER`` for one that is not known."""
    found = frozenset(kind.name for kind in kinds(language) if label in kind.types or label in kind.perhaps)
    return found or frozenset((OTHER,))


def apart(label: str, labels: Collection[str], language: str) -> bool:
    """Whether a type has no mention in common with any of ``labels``, because it is of other kinds."""
    own = kinds_of(label, language)
    return OTHER not in own and all(own.isdisjoint(kinds_of(other, language)) for other in labels)


def wide_questions(
    present: Sequence[str], labels: Sequence[str], language: str, fewest: int = 2
) -> Iterator[tuple[Kind, list[str]]]:
    """The kinds of which all that a text has is known, each with its types in the text.

    ``present`` are the types that the text has, ``labels`` all that its set is annotated with, of which a kind needs
    ``fewest``: a set that has none but disease names leaves the other conditions out. A kind of which the set has a
    type by the kind's own name means less by it, and is not asked.
    """
    known = {label.casefold() for label in labels}
    for kind in kinds(language):
        members = [label for label in present if label in kind.types]
        if not members or not known.isdisjoint(kind.asked) or any(label in kind.perhaps for label in present):
            continue
        if sum(label in kind.types for label in labels) >= fewest and kind.asked:
            yield kind, members


def wide_name(kind: Kind, taken: Collection[str], rng: random.Random) -> str | None:
    """One of the kind's names that is not ``taken``."""
    free = [name for name in kind.asked if name not in taken]
    return rng.choice(free) if free else None
