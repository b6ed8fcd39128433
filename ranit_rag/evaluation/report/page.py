"""The report as one HTML page that needs nothing beside it: tables, plots, and a browser of errors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from ranit_rag.evaluation.report.charts import ROUTE_NAMES, charts
from ranit_rag.evaluation.report.document import Report
from ranit_rag.evaluation.report.fragment import drawn
from ranit_rag.evaluation.report.rows import Row
from ranit_rag.evaluation.report.tables import Table, details, overview
from ranit_rag.html import escape

MOST_ROWS = 2000  # texts with errors in the page; all are in texts.jsonl
LEAST_ROWS = 10  # of each arm and set
KINDS = ("missed", "spurious", "dropped")
# Nothing is fetched, and no script but the page's own runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def report_page(report: Report, rows: Iterable[Row]) -> str:
    """The page. ``rows`` are those of ``rows.text_rows``; of each arm and set the first ones with errors are shown."""
    most = max(LEAST_ROWS, MOST_ROWS // max(len(report.arms) * len(report.sets), 1))
    browsed, wrong = _with_errors(rows, most)
    models = ", ".join(f"{each.name} ({each.engine})" for each in report.models)
    sets = ", ".join(f"{each.name} ({each.texts} texts)" for each in report.sets)
    title = "RANIT: evaluation"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{title}</title>",
            f"<style>{_asset('styles/page.css')}{_asset('styles/report.css')}</style></head><body>",
            f"<h1>{title}</h1>",
            f"<p>{escape(f'{models} on {sets}; RANIT {report.ranit}, seed {report.seed}')}</p>",
            *(_headed(table) for table in overview(report)),
            _plots(report),
            "<section><h2>Details</h2>",
            *(_folded(table) for table in details(report)),
            "</section>",
            _browser(report, browsed, wrong, most),
            f'<script type="application/json" id="rows">{_json(_packed(browsed))}</script>',
            f"<script>{_asset('evaluation/report/browser.js')}</script>",
            "</body></html>\n",
        ]
    )


def _headed(table: Table) -> str:
    return f"<section><h2>{escape(table.title)}</h2>{drawn(table)}</section>"


def _folded(table: Table) -> str:
    return f"<details><summary>{escape(table.title)}</summary>{drawn(table)}</details>"


def _plots(report: Report) -> str:
    figures = [
        f'<figure id="plot-{name}"><figcaption>{escape(chart.title)}</figcaption>{chart.to_svg()}</figure>'
        for name, chart in charts(report).items()
    ]
    return f'<section><h2>Plots</h2><div class="charts">{"".join(figures)}</div></section>'


def _browser(report: Report, rows: Sequence[Row], wrong: int, most: int) -> str:
    types = dict.fromkeys(name for each in report.sets for name in each.types)
    routes = {route: ROUTE_NAMES.get(route, route) for route in dict.fromkeys(_route(row) for row in rows)}
    choices = [
        _choice("arm", {each.name: each.name for each in report.arms}),
        _choice("set", {each.name: each.name for each in report.sets}),
        _choice("type", {name: name for name in types}),
        _choice("route", routes),
        _choice("kind", {kind: kind for kind in KINDS}),
    ]
    held_back = "" if wrong == len(rows) else f" Of each arm and set the first {most} are here; {wrong:,} there are."
    return (
        '<section><h2>Errors</h2><p class="ranit-note">Texts where an entity was missed or found that is not there. '
        "Missed is dashed, spurious struck through, right plain."
        f'{held_back}</p><div class="filters">{"".join(choices)}</div><p id="error-count" role="status"></p>'
        '<div id="errors"></div><button id="more" type="button">Show more</button></section>'
    )


def _choice(name: str, options: dict[str, str]) -> str:
    listed = "".join(f'<option value="{escape(value)}">{escape(shown)}</option>' for value, shown in options.items())
    return f'<label>{name}<select id="filter-{name}"><option value="">all</option>{listed}</select></label>'


def _with_errors(rows: Iterable[Row], most: int) -> tuple[list[Row], int]:
    """The first ``most`` rows with errors of each arm and set, and how many there are in all."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in rows:
        if row["missed"] or row["spurious"] or row.get("dropped") or "error" in row:
            key = (row["arm"], row["set"])
            seen[key] += 1
            if seen[key] <= most:
                kept.append(row)
    return kept, seen.total()


def _packed(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows with their texts and examples apart, since most of them come many times."""
    texts: dict[tuple[str, int], int] = {}
    examples: dict[str, int] = {}
    packed: dict[str, list[Any]] = {"texts": [], "examples": [], "rows": []}
    for row in rows:
        key = (row["set"], row["number"])
        if key not in texts:
            texts[key] = len(texts)
            packed["texts"].append({name: row[name] for name in ("set", "id", "text", "gold")})
        shown = []
        for each in row.get("examples", ()):
            example = {name: each[name] for name in ("text", "entities", "domain")}
            number = examples.setdefault(json.dumps(example), len(examples))
            if number == len(packed["examples"]):
                packed["examples"].append(example)
            shown.append({"example": number, "similarity": each["similarity"], "bm25": each["bm25"]})
        kept = {name: row[name] for name in ("arm", "found", "dropped", "route", "reason", "error") if name in row}
        packed["rows"].append({"text": texts[key], **kept, **({"examples": shown} if shown else {})})
    return packed


def _route(row: Row) -> str:
    return str(row.get("route", "failed"))


def _json(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _asset(path: str) -> str:
    return files("ranit_rag").joinpath(path).read_text("utf-8")
