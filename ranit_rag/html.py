"""An Extraction as HTML: a fragment for notebooks and web pages, or a page that needs nothing beside it."""

from __future__ import annotations

import html
import re
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import zip_longest

from ranit_rag.types import Decision, Entity, Extraction, Failure

# Tint, light solid, dark solid, ink of each hue. Text is ink on tint and white on dark solid in a light theme, tint on
# ink and ink on light solid in a dark one: every pair has a contrast of at least 4.5 (WCAG AA).
PALETTE = (
    ("#dbeafe", "#93c5fd", "#1d4ed8", "#1e3a8a"),
    ("#fef3c7", "#fcd34d", "#b45309", "#78350f"),
    ("#d1fae5", "#6ee7b7", "#047857", "#064e3b"),
    ("#ffe4e6", "#fda4af", "#be123c", "#881337"),
    ("#ede9fe", "#c4b5fd", "#6d28d9", "#4c1d95"),
    ("#cffafe", "#67e8f9", "#0e7490", "#164e63"),
    ("#ecfccb", "#bef264", "#4d7c0f", "#365314"),
    ("#fae8ff", "#f0abfc", "#a21caf", "#701a75"),
    ("#ffedd5", "#fdba74", "#c2410c", "#7c2d12"),
    ("#ccfbf1", "#5eead4", "#0f766e", "#134e4a"),
    ("#e0e7ff", "#a5b4fc", "#4338ca", "#312e81"),
    ("#e2e8f0", "#cbd5e1", "#334155", "#0f172a"),
)

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ROUTES = {"in_domain": "Examples of the domain", "out_domain": "Similar examples", "none": "No examples"}


def fragment(extraction: Extraction) -> str:
    """The text with its entities marked, a legend, the decision and a table, with the style that they need."""
    hues = hues_of(entity.label for entity in extraction.entities)
    return f"<style>{_styles()}</style>\n{_article(extraction, hues)}"


def page(
    results: Iterable[Extraction | Failure], *, headings: Sequence[str] = (), title: str = "Entities found by RANIT"
) -> str:
    """A whole document with one section for each result; a label has the same colour throughout."""
    shown = list(results)
    documents = [result for result in shown if isinstance(result, Extraction)]
    hues = hues_of(entity.label for document in documents for entity in document.entities)
    sections = [
        _article(result, hues, heading) if isinstance(result, Extraction) else _failed(result, heading)
        for result, heading in zip_longest(shown, headings[: len(shown)], fillvalue="")
        if not isinstance(result, str)
    ]
    failed = len(shown) - len(documents)
    counts = [_count(len(shown), "text"), _count(sum(len(document.entities) for document in documents), "entity")]
    counts += [f"{failed} failed"] if failed else []
    return "\n".join(
        [
            "<!doctype html>",
            '<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_style('page')}{_styles()}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{' · '.join(counts)}</p>",
            *sections,
            "</body></html>\n",
        ]
    )


def _article(extraction: Extraction, hues: Mapping[str, int], heading: str = "") -> str:
    counts = Counter(entity.label for entity in extraction.entities)
    legend = "".join(f"<li>{_label(label, hues)} {number}</li>" for label, number in counts.most_common())
    language = f' lang="{escape(extraction.language)}"' if extraction.language else ""
    return "\n".join(
        [
            '<article class="ranit">',
            f"<h2>{escape(heading)}</h2>" if heading else "",
            f'<ul class="ranit-legend" aria-label="Types found">{legend}</ul>' if legend else "",
            f'<div class="ranit-text" dir="auto"{language}>{_marked(extraction, hues)}</div>',
            _note(extraction),
            _details(extraction, hues),
            "</article>",
        ]
    )


def _failed(failure: Failure, heading: str) -> str:
    hint = getattr(failure.error, "hint", "")
    return "\n".join(
        [
            '<article class="ranit">',
            f"<h2>{escape(heading)}</h2>" if heading else "",
            f'<div class="ranit-text" dir="auto">{escape(failure.text)}</div>',
            f'<p class="ranit-note"><strong>Failed:</strong> {escape(str(failure.error))}',
            f"<br>{escape(hint)}" if hint else "",
            "</p></article>",
        ]
    )


def _marked(extraction: Extraction, hues: Mapping[str, int]) -> str:
    """The text with nested marks. Where entities cross, the inner is cut at the outer's end and goes on after it."""
    text = extraction.text
    waiting = deque(sorted(extraction.entities, key=lambda e: (e.start, -e.end, e.label)))
    opened: list[Entity] = []
    parts: list[str] = []
    position = 0
    for boundary in sorted({edge for entity in waiting for edge in (entity.start, entity.end)}):
        parts.append(escape(text[position:boundary]))
        position = boundary
        outermost = next((depth for depth, entity in enumerate(opened) if entity.end == boundary), len(opened))
        interrupted = opened[outermost:]
        parts += [_close(entity, boundary, hues) for entity in reversed(interrupted)]
        del opened[outermost:]
        coming = [entity for entity in interrupted if entity.end > boundary]
        while waiting and waiting[0].start == boundary:
            coming.append(waiting.popleft())
        for entity in coming:
            parts.append(_open(entity, boundary, opened, hues))
            opened.append(entity)
    parts.append(escape(text[position:]))
    return "".join(parts)


def _open(entity: Entity, position: int, outer: Sequence[Entity], hues: Mapping[str, int]) -> str:
    classes = [f"ranit-{hues[entity.label]}"]
    classes += ["ranit-from"] if position > entity.start else []
    classes += ["ranit-on"] if any(other.end < entity.end for other in outer) else []
    score = "" if entity.score is None else f" · score {entity.score:.2f}"
    tip = escape(f"{entity.label} · {entity.start}–{entity.end}{score}")
    return f'<mark class="{" ".join(classes)}" title="{tip}">'


def _close(entity: Entity, position: int, hues: Mapping[str, int]) -> str:
    return f"{_label(entity.label, hues) if position == entity.end else ''}</mark>"


def _label(label: str, hues: Mapping[str, int]) -> str:
    return f'<span class="ranit-label ranit-{hues[label]}">{escape(label)}</span>'


def _note(extraction: Extraction) -> str:
    """Why examples were shown or not: once where all windows agree, as counts of each route where they do not."""
    if len({(decision.route, decision.store, decision.reason) for decision in extraction.decisions}) <= 1:
        return f'<p class="ranit-note">{_verdict(extraction.decision)}</p>'
    routes = Counter(_ROUTES[decision.route] for decision in extraction.decisions)
    told = ", ".join(f"{route.lower()} for {number}" for route, number in routes.most_common())
    return f'<p class="ranit-note">{len(extraction.decisions)} windows: {told}</p>'


def _verdict(decision: Decision) -> str:
    number = f": {len(decision.examples)}" if decision.examples else ""
    return f"<strong>{_ROUTES[decision.route]}{number}.</strong> {escape(decision.reason)}"


def _details(extraction: Extraction, hues: Mapping[str, int]) -> str:
    usage = extraction.usage
    total = sum(usage.seconds.values())
    tokens = usage.prompt_tokens + usage.output_tokens
    summary = [_count(len(extraction.entities), "entity")]
    summary += [_count(tokens, "token")] if tokens else []
    summary += [f"{total:.2f} s"] if total else []
    summary += [f"{len(extraction.dropped)} dropped"] if extraction.dropped else []
    entities = [
        (escape(e.text), _label(e.label, hues), f"{e.start}–{e.end}", "–" if e.score is None else f"{e.score:.2f}")
        for e in extraction.entities
    ]
    dropped = [(escape(each.text), escape(each.label), each.reason) for each in extraction.dropped]
    windows = [(f"{each.start}–{each.end}", _verdict(each)) for each in extraction.decisions]
    return "\n".join(
        [
            f"<details><summary>{' · '.join(summary)}</summary>",
            _table(("Entity", "Type", "Offsets", "Score"), entities, numbers=2) if entities else "",
            _table(("Dropped", "Type", "Reason"), dropped) if dropped else "",
            _table(("Window", "Decision"), windows) if len(windows) > 1 else "",
            "</details>",
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Rows of HTML cells; the last ``numbers`` columns are figures."""

    def line(tag: str, cells: Sequence[str]) -> str:
        figures = len(cells) - numbers
        marks = (' class="ranit-number"' if i >= figures else ' dir="auto"' for i in range(len(cells)))
        return "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True))

    body = "".join(f"<tr>{line('td', cells)}</tr>" for cells in rows)
    table = f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="ranit-scroll">{table}</div>'


def hues_of(labels: Iterable[str], number: int = len(PALETTE)) -> dict[str, int]:
    """One of ``number`` hues for each label: the same in all texts where it is free, its own while they last."""
    hues: dict[str, int] = {}
    for label in dict.fromkeys(labels):
        wanted = zlib.crc32(label.casefold().encode("utf-8", "surrogatepass")) % number
        used = Counter(hues.values())
        hues[label] = min(((wanted + step) % number for step in range(number)), key=lambda hue: used[hue])
    return hues


def _styles() -> str:
    light = [
        f".ranit-{i} {{ --tint: {tint}; --ink: {ink}; --solid: {dark}; --on: #fff; }}"
        for i, (tint, _, dark, ink) in enumerate(PALETTE)
    ]
    dark = [
        f".ranit-{i} {{ --tint: {ink}; --ink: {tint}; --solid: {light}; --on: {ink}; }}"
        for i, (tint, light, _, ink) in enumerate(PALETTE)
    ]
    return "\n".join([_style("fragment"), *light, "@media (prefers-color-scheme: dark) {", *dark, "}"])


@cache
def _style(name: str) -> str:
    return (files("ranit_rag") / "styles" / f"{name}.css").read_text(encoding="utf-8")


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def escape(text: str) -> str:
    """Text as HTML. Controls are shown as their pictures; lone surrogates, which no file can hold, as U+FFFD."""
    return html.escape(_UNPRINTABLE.sub(_picture, text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 0x7F:
        return "\u2421"
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"
