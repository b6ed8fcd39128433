"""Episodes: conversations drawn anew each time, in which examples, names of types and texts vary.

What is learned must come from the conversation, not from memory: types are called by synonyms and invented names that
only the examples explain, examples may be of other sets and of no help, and most types that are asked are absent. Every
draw depends on the seed and the episode's number alone.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from ranit_rag.prompts import Profile, load_profile, write_answer
from ranit_rag.prompts.conversation import Message
from ranit_rag.types import EntityType, Example
from ranit_training.nano.config import EpisodeConfig
from ranit_training.nano.kinds import apart, wide_name, wide_questions
from ranit_training.nano.mixture import NOBODY, Inventory, Mixture
from ranit_training.nano.naming import Names, invented_names, own_names, pseudo_word
from ranit_training.nano.pieces import (
    estranged,
    joined,
    lowered,
    mentions_of,
    relabelled,
    swapped,
    with_typos,
    with_union,
)
from ranit_training.nano.rivals import rivals
from ranit_training.sft.dialogues import Dialogue

PROFILES = {"en": "nano-en.v1", "zh": "nano-zh.v1"}
LONG_TEXT, LONGER_TEXT = 400, 700  # characters of a text beside which fewer examples are shown
MOST_JOINED = 5
MOST_PRESENT = 12  # types that a text has and is asked for
FEWEST_OF_KIND = 2  # types of a kind that a set has, if its texts are asked for the kind as a whole
PARTIAL_ABSENT = 3  # absent types asked of a set whose absent types are not known


class Episodes:
    """Draws episodes from a mixture."""

    def __init__(self, mixture: Mixture, config: EpisodeConfig, seed: int) -> None:
        self._mixture = mixture
        self._config = config
        self._seed = seed
        self._cumulative = list(accumulate(self._weight(item) for item in mixture.sets))
        self._profiles = {language: load_profile(name) for language, name in PROFILES.items()}
        records = mixture.records
        self._mentions = {item.name: mentions_of(records[item.start : item.end]) for item in mixture.sets}
        self._rivals = {
            item.name: rivals(records[item.start : item.end], item.language)
            for item in mixture.sets
            if len(item.labels) > config.most_types
        }

    def _weight(self, item: Inventory) -> float:
        written = self._config.written if item.written else 1.0
        size: float = len(item) ** self._config.smoothing
        return size * self._config.weights.get(item.name, written)

    @cached_property
    def _foreign(self) -> dict[str, list[Inventory]]:
        """The sets of a language of which a type may be asked of another's text: not the written ones, whose types
        other sets have under other names."""
        found: dict[str, list[Inventory]] = {}
        for item in self._mixture.sets:
            if not item.written:
                found.setdefault(item.language, []).append(item)
        return found

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        """All types of a language, once for each set that has them."""
        found: dict[str, list[str]] = {}
        for item in self._mixture.sets:
            found.setdefault(item.language, []).extend(item.labels)
        return found

    def episode(self, number: int) -> Dialogue:
        """The episode of this number, whose first turns show the examples, if any, and the text."""
        rng = random.Random(f"{self._seed}/{number}")
        while True:
            drawn = self._draw(rng)
            if drawn is not None:
                return Dialogue(str(number), drawn[0], drawn[1])

    def _draw(self, rng: random.Random) -> tuple[tuple[Message, ...], bool] | None:
        config, records = self._config, self._mixture.records
        owner = self._mixture.sets[bisect(self._cumulative, rng.random() * self._cumulative[-1])]
        row = rng.randrange(owner.start, owner.end)
        text = self._text(row, owner, rng)
        rows, foreign = self._examples(row, text, owner, rng)
        examples = [records[i] for i in rows]
        grouped = config.groups.get(owner.name) if rng.random() < config.grouped else None
        labels = list(owner.labels)
        if grouped:
            names = {fine: coarse for coarse, fines in grouped.items() for fine in fines}
            names = {label: names.get(label, label) for label in labels}
            text, labels = relabelled(text, names), list(dict.fromkeys(names.values()))
            examples = [e if e.domain != owner.name else relabelled(e, names) for e in examples]
        shown = [label for example in examples if example.domain == owner.name for label in example.labels]
        shown = list(dict.fromkeys(shown))
        if shown and not foreign and rng.random() < config.renamed:
            asked = shown
            text, *examples = self._strange([text, *examples], shown, owner.language, rng)
            others = self._labels[owner.language]
            names_of: Names = invented_names(shown, owner.labels, owner.language, others, rng)
        else:
            asked = self._asked(text, labels, shown, owner, rng)
            names_of = own_names(asked, owner.language, config.synonyms, rng)
            if config.wide and rng.random() < config.wide:
                text, asked, names_of = self._widened(text, asked, labels, names_of, owner, rng)
        text, *examples = self._noisy([text, *examples], owner.language, rng)
        return self._written(text, examples, asked, names_of, owner.language, rng)

    def _text(self, row: int, owner: Inventory, rng: random.Random) -> Example:
        """The record, or it and those behind it in its set as one longer text, with mentions of others in a part."""
        text = self._joined(row, owner, rng)
        return swapped(text, self._mentions[owner.name], rng) if rng.random() < self._config.swapped else text

    def _joined(self, row: int, owner: Inventory, rng: random.Random) -> Example:
        records = self._mixture.records
        text = records[row]
        if rng.random() >= self._config.joined:
            return text
        size, last = len(text.text), row + 1
        for _ in range(rng.randint(1, MOST_JOINED - 1)):
            if last == owner.end or size + len(records[last].text) > self._config.most_characters:
                break
            size, last = size + len(records[last].text), last + 1
        return joined(records[row:last])

    def _examples(self, row: int, text: Example, owner: Inventory, rng: random.Random) -> tuple[list[int], bool]:
        """Rows of the examples, best first, and whether any is of another set."""
        config = self._config
        count = rng.choices(range(len(config.examples)), config.examples)[0]
        if len(text.text) > LONG_TEXT:
            count = min(count, 1 if len(text.text) > LONGER_TEXT else 2)
        if not count:
            return [], False
        far = self._other_rows(row, owner, count, rng)
        where = rng.random()
        if where < config.near:
            found, foreign = self._near_rows(row, count, rng), False
        elif where < config.near + config.anywhere:
            found, foreign = [rng.randrange(owner.start, owner.end) for _ in range(count)], False
        elif where < config.near + config.anywhere + config.mixed:
            found, foreign = [*self._near_rows(row, count, rng)[: max(1, count // 2)], *far], True
        else:
            found, foreign = far, True
        size = len(text.text)
        kept: list[int] = []
        for other in dict.fromkeys(found):
            record = self._mixture.records[other]
            inside = row <= other < row + MOST_JOINED and other < owner.end
            if inside or not record.entities or size + len(record.text) > 2 * config.most_characters:
                continue
            size += len(record.text)
            kept.append(other)
        kept = kept[:count]
        return kept, foreign and any(not owner.start <= other < owner.end for other in kept)

    def _near_rows(self, row: int, count: int, rng: random.Random) -> list[int]:
        near = [int(other) for other in self._mixture.near[row] if other != NOBODY]
        if rng.random() < 0.5:
            return near[: count + 1]
        chosen = sorted(rng.sample(range(len(near)), min(len(near), count + 1)))
        return [near[place] for place in chosen]

    def _other_rows(self, row: int, owner: Inventory, count: int, rng: random.Random) -> list[int]:
        far = [int(other) for other in self._mixture.far[row] if other != NOBODY]
        if rng.random() < 0.7:
            return far[:count]
        sets = [item for item in self._mixture.sets if item.language == owner.language and item is not owner]
        drawn = [rng.choice(sets) for _ in range(count if sets else 0)]
        return [rng.randrange(item.start, item.end) for item in drawn]

    def _strange(
        self, records: Sequence[Example], labels: Sequence[str], language: str, rng: random.Random
    ) -> Sequence[Example]:
        """With invented words for mentions, in a part of the episodes whose types have invented names.

        Where the text has the words of its examples a type is known by its words, and where it has others, by what
        stands around them.
        """
        config = self._config
        if rng.random() >= config.estranged:
            return records

        def words() -> dict[str, list[str]]:
            return {label: [pseudo_word(language, rng) for _ in range(rng.randint(1, 2))] for label in labels}

        text, *examples = records
        shown = words()
        unheard = words() if config.unheard and rng.random() < config.unheard else shown
        return [*estranged([text], unheard, rng), *estranged(examples, shown, rng)]

    def _asked(
        self, text: Example, labels: Sequence[str], shown: Sequence[str], owner: Inventory, rng: random.Random
    ) -> list[str]:
        """Types that the text has and types that it has not."""
        config = self._config
        present = list(text.labels)
        absent = [label for label in labels if label not in present]
        if owner.name in config.partial:
            absent = rng.sample(absent, min(len(absent), rng.randint(0, PARTIAL_ABSENT)))
        elif len(labels) > config.most_types:
            known = self._rivals.get(owner.name, {})
            close = {label: None for one in present for label in known.get(one, ()) if label in absent}
            hard = [label for label in shown if label in absent][: config.most_types // 4]
            hard += rng.sample(list(close), min(len(close), config.most_types // 4))
            drawn = rng.sample(absent, min(len(absent), rng.randint(config.most_types // 4, config.most_types // 2)))
            absent = list(dict.fromkeys([*hard, *drawn]))
        if rng.random() < config.foreign and not owner.written:
            other = rng.choice(self._foreign[owner.language])
            absent += [label for label in rng.sample(other.labels, 1) if apart(label, labels, owner.language)]
        present = rng.sample(present, min(len(present), MOST_PRESENT))
        return [*present, *absent]

    def _widened(
        self,
        text: Example,
        asked: list[str],
        labels: Sequence[str],
        names: Names,
        owner: Inventory,
        rng: random.Random,
    ) -> tuple[Example, list[str], Names]:
        """Asked for one of the text's kinds as a whole, too, where all that it has of one is known."""
        fewest = 1 if owner.written else FEWEST_OF_KIND  # a block is about what its types name
        found = list(wide_questions(text.labels, labels, owner.language, fewest))
        if not found:
            return text, asked, names
        kind, members = rng.choice(found)
        name = wide_name(kind, {*labels, *names.values()}, rng)
        if name is None:
            return text, asked, names
        return with_union(text, members, name), [*asked, name], {**names, name: name}

    def _noisy(self, records: Sequence[Example], language: str, rng: random.Random) -> Sequence[Example]:
        lower, typos = rng.random() < self._config.lower, rng.random() < self._config.typos
        if language != "en":
            return records
        if typos:
            records = [with_typos(records[0], rng), *records[1:]]
        return [lowered(record) for record in records] if lower else records

    def _written(
        self,
        text: Example,
        examples: Sequence[Example],
        asked: list[str],
        names: Names,
        language: str,
        rng: random.Random,
    ) -> tuple[tuple[Message, ...], bool] | None:
        """The turns in the words of the profile; None where nothing is asked."""
        asked = [label for label in dict.fromkeys(asked) if label in names]
        if not asked:
            return None
        rng.shuffle(asked)
        profile: Profile = self._profiles[language]
        own = {label: names.get(label, label) for example in examples for label in example.labels}
        shown = [relabelled(example, own) for example in examples]
        types = [EntityType(names[label]) for label in asked]
        conversation = profile.conversation(text.text, types, shown)
        turns = list(conversation.prefix)
        for label, query in zip(asked, conversation.queries, strict=True):
            mentions = dict.fromkeys(entity.text for entity in text.entities if entity.label == label)
            turns += [Message("user", query.content), Message("assistant", write_answer(list(mentions)))]
        return tuple(turns), bool(shown)
