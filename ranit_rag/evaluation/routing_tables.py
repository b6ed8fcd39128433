"""The measure of routing as tables."""

from __future__ import annotations

from dataclasses import astuple

from ranit_rag.evaluation.report.tables import Table
from ranit_rag.evaluation.routing import WAYS, RoutingReport, StyleReport

_STYLES = {"own": "of the text's own set", "common": "two common types", "none": "none"}


def routing_tables(report: RoutingReport) -> list[Table]:
    """Ways of routing beside each other, what the calibrated judge decides, and what a model said if it was asked."""
    ways = Table(
        f"Right store / AUROC: {report.stores} stores, {report.strangers} sets without one",
        ("types asked", "texts", *(way.replace("_", " ") for way in WAYS)),
        tuple((_STYLES[style], str(one.queries), *_scored(one)) for style, one in report.styles.items()),
        "Right store: the own store is the best. AUROC: of the score with the own store there against without it.",
    )
    first = next(iter(report.styles.values()))
    head = ("types asked", "false in domain", "strangers", "rejected", "misrouted")
    decided = Table(
        "What the calibrated judge decides",
        (*head, f"rate kept of {first.wanted_rate:.2f}", "ECE"),
        tuple((_STYLES[style], *_decided(one)) for style, one in report.styles.items()),
        "Shares of the texts: in domain though the own store was away, in domain though they belong nowhere, out of "
        "domain though the store was there, in domain of another store. ECE: of P(in domain).",
    )
    models = [(style, one.llm) for style, one in report.styles.items() if one.llm is not None]
    if not models:
        return [ways, decided]
    answered = Table(
        "What the judge llm says of a sample",
        ("types asked", "texts", "false in domain", "rejected", "AUROC", "calibrated AUROC"),
        tuple(
            (_STYLES[style], str(one.texts), *(f"{share:.3f}" for share in astuple(one)[1:])) for style, one in models
        ),
        "The calibrated judge's AUROC is that of the same texts.",
    )
    return [ways, decided, answered]


def _scored(one: StyleReport) -> tuple[str, ...]:
    return tuple(f"{getattr(one, way).right:.3f} / {getattr(one, way).auroc:.3f}" for way in WAYS)


def _decided(one: StyleReport) -> tuple[str, ...]:
    shares = (one.false_in_domain, one.strangers_in_domain, one.rejected, one.misrouted, one.kept_rate, one.ece)
    return tuple("–" if share is None else f"{share:.3f}" for share in shares)
