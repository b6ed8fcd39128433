"""Two reports side by side: the difference of each arm on the same texts, and whether it may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ranit_rag.errors import InputError
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.report.document import Report
from ranit_rag.evaluation.report.tables import Table, comparison_cells
from ranit_rag.evaluation.significance import Comparison, Sample, compare_f1

ALL_SETS = "all sets"


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """An arm of the second report against one of the first, on one set or over all that both have."""

    first: str
    second: str
    set: str
    comparison: Comparison

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_reports(first: Report, second: Report, arms: Sequence[str] = ()) -> list[ArmComparison]:
    """Each arm that both have, set by set and over all; or the pair of ``arms``, the second with the first.

    Raises InputError where there is no such arm, or the reports are not on the same texts.
    """
    pairs = _pairs(first, second, arms)
    sets = _same_sets(first, second)
    found = []
    for one, other in pairs:
        before, after = _sample(first, one, sets), _sample(second, other, sets)
        named: dict[str, tuple[Sample, Sample]] = {n: ({n: before[n]}, {n: after[n]}) for n in sets}
        if len(sets) > 1:
            named[ALL_SETS] = (before, after)
        found += [ArmComparison(one, other, name, compare_f1(*samples)) for name, samples in named.items()]
    return found


def comparison_table(found: Sequence[ArmComparison]) -> Table:
    """The comparisons as a table."""
    rows = []
    for each in found:
        cells = comparison_cells(each.comparison)
        rows.append((f"{each.second} against {each.first}", each.set, *cells, str(each.comparison.texts)))
    return Table(
        "Differences in F1",
        ("arms", "set", "points", "95% interval", "p", "texts"),
        tuple(rows),
        "UniversalNER's micro F1, over several sets their mean; paired bootstrap and approximate randomisation.",
    )


def _pairs(first: Report, second: Report, arms: Sequence[str]) -> list[tuple[str, str]]:
    known = [[arm.name for arm in report.arms] for report in (first, second)]
    if len(arms) > 2:
        raise InputError(f"{len(arms)} arms are named", hint="two are compared with each other")
    if len(arms) < 2 and first is second:
        raise InputError("one report is compared with itself", hint="name two arms, or give a second report")
    pairs = [(arms[0], arms[-1])] if arms else [(name, name) for name in known[0] if name in known[1]]
    for pair in pairs:
        for name, there in zip(pair, known, strict=True):
            if name not in there:
                raise InputError(f"there is no arm {name!r}", hint=f"arms are {', '.join(there)}")
    if not pairs:
        raise InputError("the reports have no arm in common", hint="name one of each with --arm")
    return pairs


def _same_sets(first: Report, second: Report) -> list[str]:
    others = {each.name: each for each in second.sets}
    sets = [each for each in first.sets if each.name in others]
    if not sets:
        raise InputError("the reports have no set in common", hint="compare runs on the same files")
    for each in sets:
        other = others[each.name]
        if (each.digest, each.texts, each.split, each.types) != (other.digest, other.texts, other.split, other.types):
            raise InputError(
                f"the reports are not on the same texts and types of {each.name!r}",
                hint="evaluate both with the same file, split, sample, seed and types",
            )
    if first.seed != second.seed and any(each.texts < each.available for each in sets):
        raise InputError("the texts were drawn with different seeds", hint="evaluate both with the same --seed")
    return [each.name for each in sets]


def _sample(report: Report, arm: str, sets: Sequence[str]) -> Sample:
    return {name: [Counts(*counts) for counts in report.result(arm, name).counts] for name in sets}
