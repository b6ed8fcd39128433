"""What all fragments are made of: escaped text, counts, tables, bars, and the style that they share."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

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


def escape(text: str) -> str:
    """Text as HTML. Controls are shown as their pictures; lone surrogates, which no file can hold, as U+FFFD."""
    return html.escape(_UNPRINTABLE.sub(_picture, text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 0x7F:
        return "\u2421"
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def count(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it is not one."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Rows of HTML cells; the last ``numbers`` columns are figures."""

    def line(tag: str, cells: Sequence[str]) -> str:
        figures = len(cells) - numbers
        marks = (' class="ranit-number"' if i >= figures else ' dir="auto"' for i in range(len(cells)))
        return "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True))

    body = "".join(f"<tr>{line('td', cells)}</tr>" for cells in rows)
    drawn = f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="ranit-scroll" tabindex="0">{drawn}</div>'


def bar(share: float, *, tick: float | None = None) -> str:
    """A bar for a number from 0 to 1, which stands beside it as text; ``tick`` marks a place on it."""
    mark = "" if tick is None else f'<b style="left:{_percent(tick)}"></b>'
    return f'<span class="ranit-bar" aria-hidden="true"><i style="width:{_percent(share)}"></i>{mark}</span>'


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0):.1%}"


def styled(body: str) -> str:
    """A fragment: ``body`` with the style that it needs."""
    return f"<style>{styles()}</style>\n{body}"


@cache
def styles() -> str:
    """The style of fragments with all hues."""
    hues = [
        f".ranit-{i} {{ --tint: light-dark({tint}, {ink}); --ink: light-dark({ink}, {tint}); "
        f"--solid: light-dark({dark}, {light}); --on: light-dark(#fff, {ink}); }}"
        for i, (tint, light, dark, ink) in enumerate(PALETTE)
    ]
    return "\n".join([style("fragment"), *hues])


@cache
def style(name: str) -> str:
    """A style sheet of ``ranit_rag/styles``."""
    return (files("ranit_rag") / "styles" / f"{name}.css").read_text(encoding="utf-8")
