"""Evaluation sets: every type asked of every text, one type in each conversation, as the published benchmarks are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ranit_rag.errors import DataError
from ranit_rag.prompts import Profile
from ranit_rag.types import EntityType, Example
from ranit_training.conversations import conversation_row, profile_of
from ranit_training.layouts import Row


def benchmark_types(records: Sequence[Example], given: Sequence[str] = ()) -> dict[str, str]:
    """The types to ask, in order, as ``{label of the records: asked name}``.

    ``given`` are labels, or ``label=asked name``. Without them: all labels, sorted. Raises DataError for a label that
    no record has, which is a misspelling more often than not.
    """
    known = {label for record in records for label in record.labels}
    if not given:
        return {label: label for label in sorted(known)}
    types = {}
    for item in given:
        label, _, name = (part.strip() for part in item.partition("="))
        if label not in known:
            raise DataError(f"no record has the type {label!r}", hint=f"the types are {', '.join(sorted(known))}")
        types[label] = name or label
    return types


def benchmark_rows(
    shown: Iterable[tuple[Example, Sequence[Example]]],
    types: Mapping[str, str],
    profiles: Mapping[str, Profile],
    *,
    repeats: bool = False,
) -> Iterator[Row]:
    """A conversation for each record and type, in their order, with the examples that are shown for the record.

    Its id is ``<record>/<asked name>``. ``repeats`` lists a mention as often as the record has it, as UniversalNER's
    benchmarks do.
    """
    for record, examples in shown:
        profile = profile_of(record, profiles)
        for label, name in types.items():
            yield conversation_row(
                record,
                [EntityType(name)],
                profile,
                examples,
                id=f"{record.id}/{name}",
                labels=[label],
                repeats=repeats,
            )
