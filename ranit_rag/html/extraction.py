"""An Extraction as HTML: a fragment for notebooks and web pages, or a page that needs nothing beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from ranit_rag.html.decision import ROUTES, verdict
from ranit_rag.html.marks import Hues, annotated, hues_of, marked, tag
from ranit_rag.html.parts import count, escape, style, styled, styles, table
from ranit_rag.results import Extraction, Failure
from ranit_rag.types import Example


def fragment(extraction: Extraction) -> str:
    """The text with its entities marked, a legend, the decision and a table, with the style that they need."""
    return styled(_article(extraction, hues_of(entity.label for entity in extraction.entities)))


def example_fragment(example: Example) -> str:
    """The text of an example with its entities marked, and what is known of it."""
    about = " · ".join(part for part in (example.domain, example.language, example.source, example.id) if part)
    return styled(f'<article class="ranit">{annotated(example)}<p class="ranit-note">{escape(about)}</p></article>')


def failure_fragment(failure: Failure) -> str:
    """The text that failed, the error and its remedy."""
    return styled(_failed(failure, ""))


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
    counts = [count(len(shown), "text"), count(sum(len(document.entities) for document in documents), "entity")]
    counts += [f"{failed} failed"] if failed else []
    return "\n".join(
        [
            "<!doctype html>",
            '<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{style('page')}{styles()}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{' · '.join(counts)}</p>",
            *sections,
            "</body></html>\n",
        ]
    )


def _article(extraction: Extraction, hues: Hues, heading: str = "") -> str:
    counts = Counter(entity.label for entity in extraction.entities)
    legend = "".join(f"<li>{tag(label, hues)} {number}</li>" for label, number in counts.most_common())
    language = f' lang="{escape(extraction.language)}"' if extraction.language else ""
    return "\n".join(
        [
            '<article class="ranit">',
            f"<h2>{escape(heading)}</h2>" if heading else "",
            f'<ul class="ranit-legend" aria-label="Types found">{legend}</ul>' if legend else "",
            f'<div class="ranit-text" dir="auto"{language}>{marked(extraction.text, extraction.entities, hues)}</div>',
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


def _note(extraction: Extraction) -> str:
    """Why examples were shown or not: once where all windows agree, as counts of each route where they do not."""
    if len({(decision.route, decision.store, decision.reason) for decision in extraction.decisions}) <= 1:
        return f'<p class="ranit-note">{verdict(extraction.decision)}</p>'
    routes = Counter(ROUTES[decision.route] for decision in extraction.decisions)
    told = ", ".join(f"{route.lower()} for {number}" for route, number in routes.most_common())
    return f'<p class="ranit-note">{len(extraction.decisions)} windows: {told}</p>'


def _details(extraction: Extraction, hues: Hues) -> str:
    usage = extraction.usage
    total = sum(usage.seconds.values())
    tokens = usage.prompt_tokens + usage.output_tokens
    summary = [count(len(extraction.entities), "entity")]
    summary += [count(tokens, "token")] if tokens else []
    summary += [f"{total:.2f} s"] if total else []
    summary += [f"{len(extraction.dropped)} dropped"] if extraction.dropped else []
    entities = [
        (escape(e.text), tag(e.label, hues), f"{e.start}–{e.end}", "–" if e.score is None else f"{e.score:.2f}")
        for e in extraction.entities
    ]
    dropped = [(escape(each.text), escape(each.label), escape(each.told)) for each in extraction.dropped]
    windows = [(f"{each.start}–{each.end}", verdict(each)) for each in extraction.decisions]
    return "\n".join(
        [
            f"<details><summary>{' · '.join(summary)}</summary>",
            table(("Entity", "Type", "Offsets", "Score"), entities, numbers=2) if entities else "",
            table(("Dropped", "Type", "Reason"), dropped) if dropped else "",
            table(("Window", "Decision"), windows) if len(windows) > 1 else "",
            "</details>",
        ]
    )
