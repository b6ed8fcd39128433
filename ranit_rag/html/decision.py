"""A Decision as HTML: the route, the reason, the signals behind it as bars, and the examples that were shown."""

from __future__ import annotations

from collections.abc import Iterator

from ranit_rag.html.marks import annotated
from ranit_rag.html.parts import bar, escape, styled, table
from ranit_rag.types import Decision, ShownExample

ROUTES = {"in_domain": "Examples of the domain", "out_domain": "Similar examples", "none": "No examples"}
_HUES = {"in_domain": 2, "out_domain": 1, "none": 11}  # green, amber, grey of the palette


def decision_fragment(decision: Decision) -> str:
    """Route, reason, signals and examples, with the style that they need."""
    signals = [(name, bar(value, tick=tick), escape(told)) for name, value, tick, told in _signals(decision)]
    store = f" from <strong>{escape(decision.store)}</strong>" if decision.store else ""
    return styled(
        "\n".join(
            [
                '<article class="ranit">',
                f'<p class="ranit-verdict"><span class="ranit-label ranit-{_HUES[decision.route]}">{decision.route}'
                f"</span> {ROUTES[decision.route]}{store}</p>",
                f'<p class="ranit-note">{escape(decision.reason)}</p>',
                table(("Signal", "", "Value"), signals, numbers=1) if signals else "",
                *(_shown(shown) for shown in decision.examples),
                "</article>",
            ]
        )
    )


def verdict(decision: Decision) -> str:
    """The route, the number of examples and the reason, in one line."""
    number = f": {len(decision.examples)}" if decision.examples else ""
    return f"<strong>{ROUTES[decision.route]}{number}.</strong> {escape(decision.reason)}"


def _signals(decision: Decision) -> Iterator[tuple[str, float, float | None, str]]:
    """The name of each signal from 0 to 1, its value, the threshold on its bar, and the value in words."""
    if decision.probability is not None:
        threshold = decision.threshold
        asked = "" if threshold is None else f" {'≥' if decision.probability >= threshold else '<'} {threshold:.2f}"
        yield "P(in domain), and the threshold", decision.probability, threshold, f"{decision.probability:.2f}{asked}"
    named = {
        "text: cosine of the three nearest examples": decision.text_score,
        "types: how well the store knows those asked for": decision.types_score,
        "p-value of the text among the store's own": decision.p_value,
    }
    for name, value in named.items():
        if value is not None:
            yield name, value, None, f"{value:.2f}"


def _shown(shown: ShownExample) -> str:
    scores = {"cosine": shown.similarity, "BM25": shown.bm25}
    told = [f"{name} {value:.2f}" for name, value in scores.items() if value is not None]
    about = " · ".join(part for part in (escape(shown.example.domain), *told) if part)
    return f'<div class="ranit-example">{annotated(shown.example)}<p class="ranit-note">{about}</p></div>'
