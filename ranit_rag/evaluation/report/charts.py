"""The plots of a report, each one SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ranit_rag.evaluation.report.document import Calibration, Histogram, Report, Summary
from ranit_rag.evaluation.report.svg import WIDTH, Chart, linear, logarithmic, shortened, ticks
from ranit_rag.evaluation.report.tables import LANGUAGES

LABELS = 202  # pixels for the names of arms
ROW = 24
ROUTE_NAMES = {"in_domain": "in domain", "out_domain": "out of domain", "none": "none"}
RIGHT = WIDTH - 14


def charts(report: Report) -> dict[str, Chart]:
    """The plots that the report has data for, by a short name for files."""
    found: dict[str, Chart | None] = {"f1-by-arm": f1_by_arm(report, "")}
    for language in dict.fromkeys(each.language for each in report.summary if each.language):
        found[f"f1-by-arm-{language}"] = f1_by_arm(report, language)
    found["f1-by-pool"] = f1_by_pool(report)
    found["routes"] = routes(report)
    found["similarity"] = similarities(report)
    found["cost"] = cost(report)
    found["calibration"] = reliability(report)
    found["abstention"] = abstention(report)
    return {name: chart for name, chart in found.items() if chart is not None}


def f1_by_arm(report: Report, language: str) -> Chart:
    """A dot with its interval for each arm."""
    rows = report.summaries(language)
    where = f", {LANGUAGES.get(language, language)}" if language else ""
    chart = Chart(f"F1 by arm{where}, {report.level:.0%} intervals", 22 + ROW * len(rows) + 38)
    low, high = min(each.f1.low for each in rows), max(each.f1.high for each in rows)
    x = linear(low - 0.01, high + 0.01, LABELS, RIGHT)
    bottom = 22 + ROW * len(rows)
    chart.x_axis(x, ticks(low - 0.01, high + 0.01), bottom, 12, "F1, mean over sets")
    for row, each in enumerate(rows):
        y = 22 + ROW * row + ROW / 2
        chart.text(LABELS - 10, y + 4, shortened(each.arm, LABELS - 12), anchor="end")
        chart.line([(x(each.f1.low), y), (x(each.f1.high), y)], 0)
        tip = f"{each.arm}: {each.f1.value:.3f} ({each.f1.low:.3f} to {each.f1.high:.3f})"
        chart.dot(x(each.f1.value), y, 0, tip=tip)
    return chart


def f1_by_pool(report: Report) -> Chart | None:
    """F1 against the number of examples in the set's own store, a line for each set; needs two pool sizes."""
    arms = [arm for arm in report.arms if arm.judge == "always" and not arm.others and arm.pool != 0]
    own = {each.name: each.own for each in report.sets}
    lines: dict[str, list[tuple[int, float]]] = {}
    for name, available in own.items():
        scored = {arm.pool or available: report.result(arm.name, name).mentions.f1 for arm in arms if available}
        lines[name] = sorted(scored.items())
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    chart = Chart("F1 against the size of the set's own pool", 320)
    top = chart.legend(list(lines), 44, 14)
    sizes = [size for points in lines.values() for size, _ in points]
    scores = [score for points in lines.values() for _, score in points]
    x = logarithmic(min(sizes) * 0.9, max(sizes) * 1.1, 44, RIGHT)
    y = linear(0, max(scores) * 1.05, 280, top)
    chart.y_axis(y, ticks(0, max(scores) * 1.05), 44, RIGHT)
    marked = [size for size in (8, 32, 100, 1000, 10_000) if min(sizes) <= size <= max(sizes)]
    chart.x_axis(x, marked, 280, top, "examples in the own pool (logarithmic)", "{:,.0f}")
    for series, (name, points) in enumerate(lines.items()):
        chart.line([(x(size), y(score)) for size, score in points], series)
        for size, score in points:
            chart.dot(x(size), y(score), series, tip=f"{name}, {size} examples: {score:.3f}")
    return chart


def routes(report: Report) -> Chart:
    """The share of the texts that took each route."""
    rows = report.summaries()
    chart = Chart("Routes", 26 + ROW * len(rows) + 38)
    chart.legend(list(ROUTE_NAMES.values()), 44, 12)
    x = linear(0, 1, LABELS, RIGHT)
    chart.x_axis(x, [0, 0.25, 0.5, 0.75, 1], 26 + ROW * len(rows), 22, "share of the texts")
    for row, each in enumerate(rows):
        y = 26 + ROW * row
        chart.text(LABELS - 10, y + 15, shortened(each.arm, LABELS - 12), anchor="end")
        start = 0.0
        for series, (route, name) in enumerate(ROUTE_NAMES.items()):
            share = each.routes.get(route, 0.0)
            if share:
                tip = f"{each.arm}: {share:.1%} {name}"
                chart.bar(x(start), y + 3, x(start + share) - x(start), ROW - 7, series, tip=tip)
            start += share
    return chart


def similarities(report: Report) -> Chart | None:
    """How near the best store was, by route, and P(in domain) with the threshold: of the arms whose judge says so."""
    judged = [each for each in report.results if each.judged.probability is not None]
    if not judged:
        return None
    by_route = {
        route: _added([each.judged.similarity[route] for each in judged if route in each.judged.similarity])
        for route in ROUTE_NAMES
    }
    shown = {route: histogram for route, histogram in by_route.items() if histogram is not None}
    chart = Chart("Similarity to the best store, and P(in domain)", 340)
    chart.legend([ROUTE_NAMES[route] for route in ROUTE_NAMES], 44, 14)
    for route, histogram in shown.items():
        _outline(chart, histogram, list(ROUTE_NAMES).index(route), 26, 140)
    _share_axis(chart, 140, 26, "mean cosine of the best store's three nearest")
    probability = _added([each.judged.probability for each in judged if each.judged.probability is not None])
    if probability is not None:
        _outline(chart, probability, 3, 196, 300)
    _share_axis(chart, 300, 196, "P(in domain); dashed: the judge's threshold")
    thresholds = [each.judged.threshold for each in judged if each.judged.threshold is not None]
    x = linear(0, 1, 44, RIGHT)
    for threshold in dict.fromkeys(round(value, 3) for value in thresholds):
        chart.rule(x(threshold), 190, x(threshold), 300, dashed=True)
        chart.text(x(threshold) + 4, 200, f"{threshold:.2f}", mute=True)
    return chart


def cost(report: Report) -> Chart:
    """What a text costs against F1: money where prices are given, tokens otherwise."""
    rows = report.summaries()
    texts = max(sum(each.texts for each in report.sets), 1)
    priced = all(each.tokens.cost is not None for each in rows)
    costs = [_cost(each, priced) / texts for each in rows]
    chart = Chart("Cost against F1", 300 + 16 * ((len(rows) + 1) // 2))
    top = chart.legend([shortened(each.arm, 180) for each in rows], 44, 14)
    bottom = chart.height - 40
    scores = [each.f1.value for each in rows]
    x = linear(0, max(costs) * 1.08 or 1, 44, RIGHT)
    y = linear(min(scores) - 0.01, max(scores) + 0.01, bottom, top + 6)
    chart.y_axis(y, ticks(min(scores) - 0.01, max(scores) + 0.01), 44, RIGHT)
    label = "price of a text" if priced else "tokens of a text (prompt and output)"
    chart.x_axis(x, ticks(0, max(costs) * 1.08), bottom, top, label, "{:g}" if priced else "{:,.0f}")
    for series, (each, spent) in enumerate(zip(rows, costs, strict=True)):
        chart.dot(x(spent), y(each.f1.value), series, tip=f"{each.arm}: {spent:,.6g}, F1 {each.f1.value:.3f}", radius=5)
    return chart


def reliability(report: Report) -> Chart | None:
    """The entities' scores against the share that is right, for each arm, over all sets."""
    curves = {arm: _pooled(calibrations) for arm, calibrations in _calibrations(report).items()}
    if not curves:
        return None
    chart = Chart("Calibration of the scores", 340 + 16 * ((len(curves) + 1) // 2))
    top = chart.legend([shortened(arm, 180) for arm in curves], 44, 14)
    bottom = chart.height - 40
    x, y = linear(0, 1, 44, RIGHT), linear(0, 1, bottom, top)
    grid = [0, 0.25, 0.5, 0.75, 1]
    chart.y_axis(y, grid, 44, RIGHT)
    chart.x_axis(x, grid, bottom, top, "score of an entity; upwards: share that is right")
    chart.rule(x(0), y(0), x(1), y(1), dashed=True)
    for series, (arm, points) in enumerate(curves.items()):
        chart.line([(x(predicted), y(observed)) for predicted, observed, _ in points], series, tip=arm)
        for predicted, observed, count in points:
            tip = f"{arm}: {count} entities with a mean score of {predicted:.2f}, {observed:.0%} right"
            chart.dot(x(predicted), y(observed), series, tip=tip, radius=3)
    return chart


def abstention(report: Report) -> Chart | None:
    """Precision against the share of entities kept, as unsure ones are withheld; the mean over sets."""
    kept = _calibrations(report)
    if not kept:
        return None
    chart = Chart("Precision when unsure entities are withheld", 320 + 16 * ((len(kept) + 1) // 2))
    top = chart.legend([shortened(arm, 180) for arm in kept], 44, 14)
    bottom = chart.height - 40
    x, y = linear(1, 0, 44, RIGHT), linear(0, 1, bottom, top)
    chart.y_axis(y, [0, 0.25, 0.5, 0.75, 1], 44, RIGHT)
    chart.x_axis(x, [1, 0.75, 0.5, 0.25, 0], bottom, top, "share of the entities kept; upwards: precision")
    for series, (arm, calibrations) in enumerate(kept.items()):
        steps = zip(*(each.abstention for each in calibrations), strict=True)
        points = [
            (_mean([each.kept for each in step]), _mean([each.precision for each in step]))
            for step in steps
            if any(each.kept for each in step)
        ]
        chart.line([(x(share), y(precision)) for share, precision in points], series, tip=arm)
    return chart


def _cost(each: Summary, priced: bool) -> float:
    if priced and each.tokens.cost is not None:
        return each.tokens.cost
    return float(each.tokens.prompt + each.tokens.output)


def _calibrations(report: Report) -> dict[str, list[Calibration]]:
    """For each arm the calibrations of its sets; arms without scores are left out."""
    found = {
        arm.name: [r.calibration for r in report.results if r.arm == arm.name and r.calibration is not None]
        for arm in report.arms
    }
    return {arm: calibrations for arm, calibrations in found.items() if calibrations}


def _pooled(calibrations: Sequence[Calibration]) -> list[tuple[float, float, int]]:
    """The bins of all sets together: mean score, share that is right, number."""
    bins: dict[float, list[tuple[float, float, int]]] = {}
    for each in (each for calibration in calibrations for each in calibration.curve):
        bins.setdefault(each.low, []).append((each.predicted, each.observed, each.count))
    points = []
    for low in sorted(bins):
        count = sum(number for *_, number in bins[low])
        predicted = sum(value * number for value, _, number in bins[low]) / count
        points.append((predicted, sum(value * number for _, value, number in bins[low]) / count, count))
    return points


def _added(histograms: Sequence[Histogram]) -> Histogram | None:
    if not histograms:
        return None
    columns: Iterator[tuple[int, ...]] = zip(*(each.counts for each in histograms), strict=True)
    return Histogram(histograms[0].edges, tuple(map(sum, columns)))


def _outline(chart: Chart, histogram: Histogram, series: int, top: float, bottom: float) -> None:
    """A histogram as the line around its columns, the highest of which reaches the top."""
    x, y = linear(0, 1, 44, RIGHT), linear(0, max(histogram.counts) or 1, bottom, top + 6)
    points = [(x(histogram.edges[0]), bottom)]
    for left, right, number in zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False):
        points += [(x(left), y(number)), (x(right), y(number))]
    chart.line([*points, (x(histogram.edges[-1]), bottom)], series, tip=f"{sum(histogram.counts)} windows")


def _share_axis(chart: Chart, bottom: float, top: float, label: str) -> None:
    chart.x_axis(linear(0, 1, 44, RIGHT), [0, 0.25, 0.5, 0.75, 1], bottom, top, label)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
