"""The report as tables, for terminals, Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ranit_rag.evaluation.report.document import Report, Result, Summary, Tokens
from ranit_rag.evaluation.significance import Comparison

LANGUAGES = {"": "all sets", "en": "English", "zh": "Chinese"}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; columns after the first are figures. ``note`` says what they mean."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from ranit_rag.evaluation.report.fragment import table_fragment

        return table_fragment(self)


def overview(report: Report) -> list[Table]:
    """What one looks at first: each arm over all sets, and over those of each language; then set by set."""
    languages = list(dict.fromkeys(each.language for each in report.summary))
    return [*(_summary_table(report, language) for language in languages), _set_table(report)]


def consequences(report: Report) -> list[Table]:
    """Where the examples came from, what was lost, and what it cost."""
    return [_route_table(report), _loss_table(report), _cost_table(report)]


def details(report: Report) -> list[Table]:
    """What lies behind it: the consequences, the sets, each type."""
    return [*consequences(report), _data_table(report), *_type_tables(report)]


def seconds_table(report: Report) -> Table:
    """How long each arm takes, which no two runs agree on: for the terminal alone."""
    texts = max(sum(each.texts for each in report.sets), 1)
    rows = []
    for arm, sets in report.timings.stages.items():
        stages = [sum(stages[stage] for stages in sets.values()) / texts for stage in ("plan", "generate")]
        rows.append((arm, *(f"{seconds:.3f}" for seconds in stages)))
    return Table("Seconds of a text", ("arm", "choosing examples", "generating"), tuple(rows))


def _summary_table(report: Report, language: str) -> Table:
    rows = []
    for each in report.summaries(language):
        compared = each.comparison
        change = "baseline" if compared is None else f"{compared.difference.value * 100:+.1f}"
        bounds = (
            "" if compared is None else f"{compared.difference.low * 100:+.1f} … {compared.difference.high * 100:+.1f}"
        )
        p_value = "" if compared is None else _p(compared.p_value)
        interval = f"{_percent(each.f1.low)} … {_percent(each.f1.high)}"
        f1 = _percent(each.f1.value)
        rows.append((each.arm, f1, interval, change, bounds, p_value, _percent(each.strict), f"{each.examples:.2f}"))
    sets = report.summaries(language)[0].sets if rows else 0
    return Table(
        f"F1 over {LANGUAGES.get(language, language)} ({sets})",
        ("arm", "F1", f"{report.level:.0%} interval", "against the first", "interval", "p", "strict F1", "examples"),
        tuple(rows),
        "F1: the mean over sets of UniversalNER's micro F1 (normalised strings of each text and type), in percent. "
        "Intervals: paired bootstrap over texts; p: approximate randomisation. Strict F1: spans and types.",
    )


def _set_table(report: Report) -> Table:
    names = [each.name for each in report.sets]
    rows = []
    for arm in report.arms:
        scores = [report.result(arm.name, name).mentions for name in names]
        rows.append((arm.name, *(f"{_percent(s.f1)} ±{_half_width(s.low, s.high)}" for s in scores)))
    return Table(
        "F1 set by set", ("arm", *names), tuple(rows), "Micro F1 in percent, with half the width of its interval."
    )


def _route_table(report: Report) -> Table:
    rows = []
    for each in report.summaries():
        shares = [_percent(each.routes.get(route, 0.0)) for route in ("in_domain", "out_domain", "none")]
        rows.append((each.arm, *shares, f"{each.examples:.2f}"))
    return Table("Routes", ("arm", "in domain %", "out of domain %", "none %", "examples a text"), tuple(rows))


def _loss_table(report: Report) -> Table:
    rows = []
    for arm, results in _by_arm(report):
        losses = [each.losses for each in results]
        answers, written = sum(each.answers for each in losses), sum(each.written for each in losses)
        original = [each.original.f1 for each in results if each.original is not None]
        rows.append(
            (
                arm,
                f"{answers:,}",
                _share(sum(each.unparsable for each in losses), answers),
                _share(sum(each.original_unparsable for each in losses), answers),
                _percent(sum(original) / len(original)) if original else "–",
                _share(sum(each.truncated for each in losses), answers),
                _share(sum(each.ungrounded for each in losses), written),
                _share(sum(each.leaked for each in losses), written),
                str(sum(each.failed for each in results)),
            )
        )
    head = ("arm", "answers", "unparsable", "to the original", "its F1", "truncated", "ungrounded", "leaked", "failed")
    return Table(
        "What was lost",
        head,
        tuple(rows),
        "Of the answers: those not read as a whole, those that the original parser cannot read (with the F1 that it "
        "gives), those cut at the token limit. Of the mentions written: those not in the text, and those of them that "
        "stand in a shown example. Failed: texts without a result, which count as nothing found.",
    )


def _cost_table(report: Report) -> Table:
    texts = sum(each.texts for each in report.sets)
    rows = [(each.arm, *_costs(each, texts)) for each in report.summaries()]
    return Table(
        "Cost of a text", ("arm", "prompt tokens", "of them cached", "output tokens", "calls", "price"), tuple(rows)
    )


def _costs(each: Summary, texts: int) -> tuple[str, ...]:
    spent: Tokens = each.tokens
    numbers = (spent.prompt, spent.cached, spent.output)
    price = "–" if spent.cost is None else f"{spent.cost / max(texts, 1):.6f}"
    return (*(f"{number / max(texts, 1):,.0f}" for number in numbers), f"{spent.calls / max(texts, 1):.1f}", price)


def _data_table(report: Report) -> Table:
    rows = [
        (
            each.name,
            each.language,
            each.split or "–",
            f"{each.texts:,} of {each.available:,}",
            f"{each.mentions:,}",
            str(len(each.types)),
            f"{each.own:,}",
            str(each.repeated),
        )
        for each in report.sets
    ]
    head = ("set", "language", "split", "texts", "mentions", "types", "own examples", "texts repeated in stores")
    return Table("Sets", head, tuple(rows), "Examples that repeat a text are never shown for it.")


def _type_tables(report: Report) -> Iterator[Table]:
    for each in report.sets:
        results = [report.result(arm.name, each.name) for arm in report.arms]
        rows = []
        for number, name in enumerate(each.types):
            scores = [result.types[number].mentions for result in results]
            rows.append((name, str(scores[0].there), *(_percent(score.f1) for score in scores)))
        yield Table(f"F1 by type: {each.name}", ("type", "mentions", *(arm.name for arm in report.arms)), tuple(rows))


def _by_arm(report: Report) -> Iterator[tuple[str, Sequence[Result]]]:
    for arm in report.arms:
        yield arm.name, [each for each in report.results if each.arm == arm.name]


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.2%})" if part else "0"


def _half_width(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{(high - low) * 50:.1f}"


def comparison_cells(comparison: Comparison) -> tuple[str, str, str]:
    """The difference in points, its interval, and the p-value."""
    change = comparison.difference
    return f"{change.value * 100:+.1f}", f"{change.low * 100:+.1f} … {change.high * 100:+.1f}", _p(comparison.p_value)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
