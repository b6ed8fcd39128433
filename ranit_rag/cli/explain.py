"""Why the examples of a text were shown: its decisions, for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ranit_rag.cli.terminal import printable
from ranit_rag.types import Decision, ShownExample

_ROUTES = {
    "in_domain": "examples of the text's own domain",
    "out_domain": "examples of other domains that share its words",
    "none": "no examples",
}
_WIDTH = 76  # columns of an example's text


def explained(decisions: Sequence[Decision]) -> Iterator[str]:
    """Lines on each decision: the route, the reason with its numbers, and the examples shown, best first."""
    for decision in decisions:
        place = f"{decision.start}:{decision.end}: " if len(decisions) > 1 else ""
        store = f", {printable(decision.store, lines=False)}" if decision.store else ""
        yield f"{place}{decision.route}: {_ROUTES[decision.route]}{store}"
        yield f"  because  {printable(decision.reason, lines=False)}{_numbers(decision)}"
        for shown in decision.examples:
            yield f"  example  {_shown(shown)}"


def _numbers(decision: Decision) -> str:
    named = {"margin over the next store": decision.margin, "p-value of the text": decision.p_value}
    return "".join(f", {name} {value:.2f}" for name, value in named.items() if value is not None)


def _shown(shown: ShownExample) -> str:
    from rich.cells import cell_len, set_cell_size

    scores = {"cosine": shown.similarity, "BM25": shown.bm25}
    told = ", ".join(f"{name} {value:.2f}" for name, value in scores.items() if value is not None)
    text = printable(shown.example.text, lines=False)
    if cell_len(text) > _WIDTH:
        text = f"{set_cell_size(text, _WIDTH - 1)}…"
    return f"{text} ({told})" if told else text
