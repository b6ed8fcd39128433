"""Which of the entities found in a text survive: those that are sure enough and, where asked, overlap no better one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from ranit_rag.errors import InputError
from ranit_rag.precedents import Precedents
from ranit_rag.results import Dropped
from ranit_rag.types import Entity

Overlaps = Literal["keep", "flat"]
Rank = tuple[float, int, int, int]


@dataclass(frozen=True, slots=True)
class Decoding:
    """Which of the mentions that were found become entities. None leaves it to another Decoding (see ``over``).

    ``overlaps``: ``keep`` all of them, or ``flat``: of entities that overlap the one with the best score.
    ``min_score``: those with a lower score are dropped; ones without a score never are. ``precedents``: whether what
    the text's own store says of its words (see ``ranit_rag.precedents``) counts; entities of types that it keeps apart
    then do not overlap either, also where overlaps are kept. Raises InputError.
    """

    overlaps: Overlaps | None = None
    min_score: float | None = None
    precedents: bool | None = None

    def __post_init__(self) -> None:
        if self.overlaps is not None and self.overlaps not in get_args(Overlaps):
            raise InputError(f"overlaps is {self.overlaps!r}", hint=f"valid are {', '.join(get_args(Overlaps))}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise InputError(f"min_score is {self.min_score}", hint="a score is a probability: give 0 to 1")

    def over(self, other: Decoding) -> Decoding:
        """What this one says, and where it says nothing what ``other`` does."""
        return Decoding(
            other.overlaps if self.overlaps is None else self.overlaps,
            other.min_score if self.min_score is None else self.min_score,
            other.precedents if self.precedents is None else self.precedents,
        )


def survivors(
    entities: Sequence[Entity],
    decoding: Decoding,
    asked: Mapping[str, int],
    precedents: Mapping[Entity, Precedents] = MappingProxyType({}),
) -> tuple[list[Entity], list[Dropped]]:
    """The entities that ``decoding`` and ``precedents`` leave, in the order given, and the others with the reason.

    ``entities`` are in the order of their start. ``asked`` has the place of each type among those asked for, which
    decides last. Of entities that overlap, the best by score stays, of equal ones the longer, the earlier, the type
    asked first: greedily, so that what gave way to nothing that stays is there. An entity without a score counts as
    one with a half; where an engine tells none, the longer one stays. Where overlaps are kept, this holds of those
    entities alone whose types ``precedents`` keep apart.
    """
    least = decoding.min_score or 0.0
    unsure = [Dropped(e.text, e.label, "unsure", e) for e in entities if e.score is not None and e.score < least]
    left = [e for e in entities if e.score is None or e.score >= least]
    winners: dict[Entity, Entity] = {}
    if decoding.overlaps == "flat":
        for group in _groups(left):
            winners |= _lost(group, asked)
    elif precedents:
        for group in _groups(left):
            winners |= _outdone([each for each in group if each in precedents], asked, precedents)
    lost = [Dropped(e.text, e.label, "overlapped", e, winners[e]) for e in left if e in winners]
    return [e for e in left if e not in winners], unsure + lost


def _groups(entities: Iterable[Entity]) -> Iterator[list[Entity]]:
    """Entities that hang together by overlaps, two at least; ``entities`` are in the order of their start."""
    group: list[Entity] = []
    reach = 0
    for entity in entities:
        if entity.start >= reach:
            if len(group) > 1:
                yield group
            group = []
        group.append(entity)
        reach = max(reach, entity.end)
    if len(group) > 1:
        yield group


def _outdone(
    group: Iterable[Entity], asked: Mapping[str, int], precedents: Mapping[Entity, Precedents]
) -> dict[Entity, Entity]:
    """Those of a group that give way where their types are kept apart, with the best of those that they give way to."""
    ranks = {entity: _rank(entity, asked) for entity in group}
    longest = max((entity.end - entity.start for entity in ranks), default=0)
    kept: list[Entity] = []  # in the order of their start
    lost: dict[Entity, Entity] = {}
    for entity in sorted(ranks, key=ranks.__getitem__):
        first = bisect_left(kept, entity.start - longest, key=_start)
        last = bisect_left(kept, entity.end, key=_start)
        near = (each for each in kept[first:last] if each.end > entity.start)
        rivals = [each for each in near if precedents[each].apart(each.label, entity.label)]
        if rivals:
            lost[entity] = min(rivals, key=ranks.__getitem__)
        else:
            insort(kept, entity, key=_start)
    return lost


def _start(entity: Entity) -> int:
    return entity.start


def _lost(group: Iterable[Entity], asked: Mapping[str, int]) -> dict[Entity, Entity]:
    """Those of a group that give way, with the best of those that they give way to."""
    ranks = {entity: _rank(entity, asked) for entity in group}
    kept: list[tuple[int, int, Entity]] = []  # in order, none over another
    lost: dict[Entity, Entity] = {}
    for entity in sorted(ranks, key=ranks.__getitem__):
        first = bisect_left(kept, entity.start, key=lambda each: each[1] - 1)  # ends behind the start
        last = bisect_left(kept, entity.end, key=lambda each: each[0])  # begins before the end
        if first < last:
            lost[entity] = min((each for *_, each in kept[first:last]), key=ranks.__getitem__)
        else:
            insort(kept, (entity.start, entity.end, entity), key=lambda each: each[0])
    return lost


def _rank(entity: Entity, asked: Mapping[str, int]) -> Rank:
    """Less is better."""
    score = 0.5 if entity.score is None else entity.score
    return -score, entity.start - entity.end, entity.start, asked.get(entity.label, len(asked))
