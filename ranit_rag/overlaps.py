"""Which of the entities found in a text survive: those that are sure enough and, where asked, overlap no better one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ranit_rag.types import Decoding, Dropped, Entity

Rank = tuple[float, int, int, int]


def survivors(
    entities: Sequence[Entity], decoding: Decoding, asked: Mapping[str, int]
) -> tuple[list[Entity], list[Dropped]]:
    """The entities that ``decoding`` leaves, in the order given, and the others with the reason.

    ``entities`` are in the order of their start. ``asked`` has the place of each type among those asked for, which
    decides last. Of entities that overlap, the best by score stays, of equal ones the longer, the earlier, the type
    asked first: greedily, so that what gave way to nothing that stays is there. Where an engine tells no scores, the
    longer one stays.
    """
    least = decoding.min_score or 0.0
    dropped = [Dropped(e.text, e.label, "unsure", e) for e in entities if e.score is not None and e.score < least]
    sure = [e for e in entities if e.score is None or e.score >= least]
    if decoding.overlaps != "flat":
        return sure, dropped
    winners: dict[Entity, Entity] = {}
    for group in _groups(sure):
        winners |= _lost(group, asked)
    lost = [Dropped(e.text, e.label, "overlapped", e, winners[e]) for e in sure if e in winners]
    return [e for e in sure if e not in winners], dropped + lost


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
    score = -1.0 if entity.score is None else entity.score
    return -score, entity.start - entity.end, entity.start, asked.get(entity.label, len(asked))
