"""Stores as HTML: what is in one, and the list of those at a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ranit_rag.html.marks import annotated
from ranit_rag.html.parts import bar, count, escape, styled, table
from ranit_rag.types import Example

LISTED_TYPES = 12  # of a store
NAMED_TYPES = 4  # of each store in a list


@dataclass(frozen=True, slots=True)
class StoreCard:
    """What is shown of a store. ``types`` and ``languages`` count mentions and examples, most frequent first;
    ``problem`` says what is wrong with it, if anything is."""

    name: str
    examples: int = 0
    types: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    embedding: str = ""
    problem: str = ""


def store_fragment(card: StoreCard, examples: Sequence[Example] = ()) -> str:
    """Name, size, types with their frequencies, and the ``examples`` given, with the style that they need."""
    most = max(card.types.values(), default=1)
    listed = islice(card.types.items(), LISTED_TYPES)
    rows = [(escape(name), bar(mentions / most), f"{mentions:,}") for name, mentions in listed]
    more = len(card.types) - len(rows)
    about = [count(card.examples, "example"), count(sum(card.types.values()), "mention"), _listed(card.languages)]
    return styled(
        "\n".join(
            [
                '<article class="ranit">',
                f'<p class="ranit-verdict"><strong>{escape(card.name)}</strong></p>',
                f'<p class="ranit-note">{" · ".join(filter(None, [*about, escape(card.embedding)]))}</p>',
                f'<p class="ranit-note"><strong>{escape(card.problem)}</strong></p>' if card.problem else "",
                table(("Type", "", "Mentions"), rows, numbers=1) if rows else "",
                f'<p class="ranit-note">and {count(more, "more type")}</p>' if more else "",
                *(f'<div class="ranit-example">{annotated(example)}</div>' for example in examples),
                "</article>",
            ]
        )
    )


def stores_fragment(cards: Sequence[StoreCard]) -> str:
    """A table with a row for each store, with the style that it needs."""
    rows = [
        (
            f"<strong>{escape(card.name)}</strong>",
            escape(card.problem) or _listed(card.types, NAMED_TYPES),
            _listed(card.languages),
            escape(card.embedding),
            f"{sum(card.types.values()):,}",
            f"{card.examples:,}",
        )
        for card in cards
    ]
    head = ("Store", "Types", "Languages", "Embedding", "Mentions", "Examples")
    shown = table(head, rows, numbers=2) if rows else '<p class="ranit-note">There are no stores yet.</p>'
    return styled(f'<article class="ranit">{shown}</article>')


def _listed(names: Mapping[str, int], most: int | None = None) -> str:
    listed = [*names][:most]
    more = len(names) - len(listed)
    return escape(", ".join(filter(None, listed))) + (f" and {more} more" if more else "")
