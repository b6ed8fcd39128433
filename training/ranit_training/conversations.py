"""Conversations: what a record teaches, asked type by type in a profile's wording.

All types of a text are asked in one conversation, in random order, and with them types that it does not have: for each
present type, with probability one half, one absent type, drawn by the frequency of its mentions (UniversalNER, RA-IT).
Every draw depends on the seed and the record's id alone, so that conversations with and without examples ask the same.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from ranit_rag.errors import InputError, ProfileError
from ranit_rag.prompts import Conversation, Profile, Query, load_profile, write_answer, write_object_answer
from ranit_rag.text import detect_language
from ranit_rag.types import EntityType, Example
from ranit_training.layouts import Row

AbsentFrom = Literal["all", "domain"]

ABSENT_RATE = 0.5  # absent types for each present one, as in the paper
_DRAWS = 64  # before the remaining types are listed; only a set of very few types comes so far
_DEFAULT_PROFILES = {"en": "ra-it-en.v1", "zh": "ra-it-zh.v1"}


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of records: ``profiles`` by language, the ``seed``, and how absent types are drawn.

    ``absent_from`` ``all``: from the types of all records, as in the paper. ``domain``: from those of the record's own
    domain, whose annotators looked for them, so that an absent type is surely absent.
    """

    profiles: Mapping[str, Profile]
    seed: int = 42
    absent_rate: float = ABSENT_RATE
    absent_from: AbsentFrom = "all"

    def __post_init__(self) -> None:
        if not 0 <= self.absent_rate <= 1:
            raise InputError(f"absent_rate is {self.absent_rate}", hint="it is a probability, from 0 to 1")
        if self.absent_from not in get_args(AbsentFrom):
            raise InputError(f"absent_from is {self.absent_from!r}", hint=f"one of {', '.join(get_args(AbsentFrom))}")


def load_profiles(names: Sequence[str] = ()) -> dict[str, Profile]:
    """Profiles by language: the RA-IT ones, with those given in their place. One of no language serves both."""
    chosen = {language: load_profile(name) for language, name in _DEFAULT_PROFILES.items()}
    given: set[str] = set()
    for profile in map(load_profile, names):
        for language in chosen if profile.language == "any" else [profile.language]:
            if language in given:
                raise ProfileError(f"two profiles are given for {language!r}", hint="give one for each language")
            given.add(language)
            chosen[language] = profile
    return chosen


def profile_of(record: Example, profiles: Mapping[str, Profile]) -> Profile:
    """The profile in the record's language, which is read off its text where it says none."""
    return profiles.get(record.language) or profiles[detect_language(record.text)]


def used_pins(records: Iterable[Example], profiles: Mapping[str, Profile]) -> tuple[str, ...]:
    """The pins of the profiles that word these records, sorted."""
    return tuple(sorted({profile_of(record, profiles).pin for record in records}))


def type_frequencies(records: Iterable[Example]) -> Counter[str]:
    """How many mentions each type has; a mention that a text repeats counts once."""
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(label for _, label in {(entity.text, entity.label) for entity in record.entities})
    return counts


class AbsentTypes:
    """Draws types that a text does not have, by their frequency."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._names = sorted(frequencies)  # so that the order of records does not matter
        self._weights = [frequencies[name] for name in self._names]
        self._cumulative = list(accumulate(self._weights))

    def draw(self, present: Collection[str], count: int, rng: random.Random) -> list[str]:
        """``count`` different types that are not ``present``, or as many as there are; each draw is weighted."""
        taken = set(present)
        drawn: list[str] = []
        while len(drawn) < count and (name := self._draw_one(taken, rng)) is not None:
            taken.add(name)
            drawn.append(name)
        return drawn

    def _draw_one(self, taken: Collection[str], rng: random.Random) -> str | None:
        for _ in range(_DRAWS if self._names else 0):
            place = bisect(self._cumulative, rng.random() * self._cumulative[-1])
            if (name := self._names[min(place, len(self._names) - 1)]) not in taken:
                return name
        left = [(name, weight) for name, weight in zip(self._names, self._weights, strict=True) if name not in taken]
        if not left:
            return None
        return rng.choices([name for name, _ in left], [weight for _, weight in left])[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """A record and the types that are asked of it; its ``absent`` types have the answer ``[]``."""

    record: Example
    types: tuple[str, ...]

    @property
    def absent(self) -> int:
        return len(set(self.types) - set(self.record.labels))


def ask_types(records: Sequence[Example], asking: Asking) -> Iterator[Asked]:
    """The types to ask of each record, in order; of a record without entities, none."""
    by_domain: dict[str, list[Example]] = {}
    for record in records:
        by_domain.setdefault(record.domain if asking.absent_from == "domain" else "", []).append(record)
    absent = {domain: AbsentTypes(type_frequencies(members)) for domain, members in by_domain.items()}
    for record in records:
        rng = record_rng(asking.seed, record)
        wanted = sum(rng.random() < asking.absent_rate for _ in record.labels)
        sampler = absent[record.domain if asking.absent_from == "domain" else ""]
        types = [*record.labels, *sampler.draw(record.labels, wanted, rng)]
        rng.shuffle(types)
        yield Asked(record, tuple(types))


def record_rng(seed: int, record: Example, purpose: str = "types") -> random.Random:
    """Random numbers that depend on the seed, the record and what they are for, not on other records."""
    return random.Random(f"{seed}/{purpose}/{record.id}")


def conversation_row(
    record: Example,
    types: Sequence[EntityType],
    profile: Profile,
    examples: Sequence[Example] = (),
    *,
    id: str | None = None,
    labels: Sequence[str] = (),
    repeats: bool = False,
) -> Row:
    """One conversation that asks for all ``types``, in sharegpt form with its gold answers.

    ``labels`` are the record's own names for the types where they are asked under others. A mention is listed once for
    its type, in the order of the record, or as often as it stands there with ``repeats``.
    """
    own = dict(zip((t.name for t in types), labels or [t.name for t in types], strict=True))
    conversation = profile.conversation(record.text, types, examples)
    turns = [message for message in conversation.prefix if message.role != "system"]
    said = [("human" if message.role == "user" else "gpt", message.content) for message in turns]
    for query in conversation.queries:
        said += [("human", query.content), ("gpt", _gold(record, query, conversation, own, repeats))]
    return {
        "id": record.id if id is None else id,
        "system": profile.system,
        "conversations": [{"from": speaker, "value": words} for speaker, words in said],
        "examples": [example.id for example in examples],
    }


def _gold(record: Example, query: Query, conversation: Conversation, own: Mapping[str, str], repeats: bool) -> str:
    mentions = {name: _mentions(record, own[name], repeats) for name in query.types}
    return write_object_answer(mentions) if conversation.form == "object" else write_answer(mentions[query.types[0]])


def _mentions(record: Example, label: str, repeats: bool) -> list[str]:
    mentions = [entity.text for entity in record.entities if entity.label == label]
    return mentions if repeats else list(dict.fromkeys(mentions))


def training_rows(asked: Iterable[Asked], asking: Asking, shown: Iterable[Sequence[Example]]) -> Iterator[Row]:
    """A conversation for each record, with the examples that are ``shown`` for it before the text."""
    for item, examples in zip(asked, shown, strict=True):
        types = [EntityType(name) for name in item.types]
        yield conversation_row(item.record, types, profile_of(item.record, asking.profiles), examples)
