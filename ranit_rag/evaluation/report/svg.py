"""A small writer of charts as SVG: lines, dots, bars and axes, readable in a light and a dark theme, with no script."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH = 420
COLOURS = (  # of series in a light and a dark theme, with a contrast of 3 at least to both papers
    ("#1d4ed8", "#93c5fd"),
    ("#b45309", "#fcd34d"),
    ("#047857", "#6ee7b7"),
    ("#be123c", "#fda4af"),
    ("#6d28d9", "#c4b5fd"),
    ("#0e7490", "#67e8f9"),
    ("#4d7c0f", "#bef264"),
    ("#a21caf", "#f0abfc"),
)

Scale = Callable[[float], float]


def _style() -> str:
    series = "".join(f".chart .s{i}{{--c:light-dark({one},{other})}}" for i, (one, other) in enumerate(COLOURS))
    return (
        # A file of its own goes with the system's theme, a part of a page with the page's.
        "svg:root{color-scheme:light dark}"
        ".chart{color:light-dark(#1c2330,#e6e9ef);font:12px system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif}"
        ".chart text{fill:currentColor}.chart .axis{stroke:currentColor;opacity:.25}.chart .mute{opacity:.7}"
        f".chart .fill{{fill:var(--c)}}.chart .line,.chart .ring{{stroke:var(--c);fill:none;stroke-width:2}}"
        f".chart .dashed{{stroke-dasharray:5 3}}{series}"
    )


@dataclass(slots=True)
class Chart:
    """Marks are drawn in the order in which they are added. Sizes are pixels at full width.

    Series beyond the last colour begin again with the first, in dashed lines and hollow dots.
    """

    title: str
    height: int
    width: int = WIDTH
    _marks: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, *, anchor: str = "start", mute: bool = False) -> None:
        kind = ' class="mute"' if mute else ""
        self._marks.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{html.escape(text)}</text>')

    def line(self, points: Sequence[tuple[float, float]], series: int, *, tip: str = "") -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        kind = f"line s{series % len(COLOURS)}{' dashed' if series >= len(COLOURS) else ''}"
        self._marks.append(f'<polyline class="{kind}" points="{path}">{_tip(tip)}</polyline>')

    def rule(self, x1: float, y1: float, x2: float, y2: float, *, dashed: bool = False) -> None:
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._marks.append(f'<line class="axis" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{dash}/>')

    def dot(self, x: float, y: float, series: int, *, tip: str = "", radius: float = 4) -> None:
        kind = f"{'ring' if series >= len(COLOURS) else 'fill'} s{series % len(COLOURS)}"
        self._marks.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">{_tip(tip)}</circle>')

    def bar(self, x: float, y: float, width: float, height: float, series: int, *, tip: str = "") -> None:
        kind = f"fill s{series % len(COLOURS)}"
        box = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
        self._marks.append(f'<rect class="{kind}" {box}>{_tip(tip)}</rect>')

    def legend(self, names: Sequence[str], x: float, y: float) -> float:
        """Names with their colours, line by line as they fit; returns the y below them."""
        at = x
        for series, name in enumerate(names):
            needed = 22 + text_width(name)
            if at > x and at + needed > self.width:
                at, y = x, y + 16
            self.dot(at + 5, y - 4, series)
            self.text(at + 14, y, name)
            at += needed
        return y + 16

    def x_axis(
        self, scale: Scale, marks: Sequence[float], y: float, top: float, label: str, form: str = "{:g}"
    ) -> None:
        for tick in marks:
            self.rule(scale(tick), top, scale(tick), y)
            self.text(scale(tick), y + 14, form.format(tick), anchor="middle", mute=True)
        middle = (scale(marks[0]) + scale(marks[-1])) / 2
        self.text(middle, y + 30, label, anchor="middle", mute=True)

    def y_axis(self, scale: Scale, marks: Sequence[float], x: float, right: float, form: str = "{:g}") -> None:
        for tick in marks:
            self.rule(x, scale(tick), right, scale(tick))
            self.text(x - 5, scale(tick) + 4, form.format(tick), anchor="end", mute=True)

    def to_svg(self) -> str:
        """The chart as a document that also stands inside HTML."""
        box = f"0 0 {self.width} {self.height}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="{box}" '
            f'width="{self.width}" height="{self.height}"><title>{html.escape(self.title)}</title>'
            f"<style>{_style()}</style>{''.join(self._marks)}</svg>"
        )


def _tip(text: str) -> str:
    return f"<title>{html.escape(text)}</title>" if text else ""


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Maps ``low`` to ``start`` and ``high`` to ``end``."""
    span = high - low or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """As linear, on the logarithms."""
    scale = linear(math.log(low), math.log(high), start, end)
    return lambda value: scale(math.log(value))


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between ``low`` and ``high``, at most about ``most`` of them."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10 ** math.floor(math.log10(span / most))
    step *= next((factor for factor in (1, 2, 5) if span / (step * factor) <= most), 10)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def text_width(text: str) -> float:
    """About the width of a text: Han characters are twice as wide as others."""
    return sum(12.0 if ord(character) > 0x2E80 else 6.6 for character in text)


def shortened(text: str, width: float) -> str:
    """The text, or its start with an ellipsis where it is wider."""
    if text_width(text) <= width:
        return text
    while text and text_width(text) > width - 8:
        text = text[:-1]
    return text + "…"
