"""Why examples are shown for a text: every candidate store's evidence, the examples, and the exact prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ranit_rag.pipeline import Plan, Ranit
from ranit_rag.planning import readable
from ranit_rag.retrieval.judge import Case
from ranit_rag.retrieval.opening import StoresAsConfigured
from ranit_rag.retrieval.signals import Evidence
from ranit_rag.text import detect_language
from ranit_rag.types import ShownExample, entity_types

_BINS = 20


@dataclass(frozen=True, slots=True)
class Explained:
    """A window of a text: what is asked about it, and the cases that the judge was given."""

    plan: Plan
    cases: Sequence[Case]

    def to_dict(self, ner: Ranit) -> dict[str, Any]:
        """The JSON form, which OpenAPI names Explanation."""
        decision, conversation = self.plan.decision, self.plan.conversation
        return {
            "decision": decision.to_dict(),
            "profile": self.plan.profile.pin,
            "candidates": [_candidate(case, evidence) for case in self.cases for evidence in case.evidence],
            "examples": [_shown(shown) for shown in decision.examples],
            "prompt": [
                {
                    "types": list(query.types),
                    "messages": [{"role": turn.role, "content": turn.content} for turn in conversation.messages(query)],
                    "rendered": ner.render(conversation, query),
                }
                for query in conversation.queries
            ],
        }


def explain(
    ner: Ranit, text: str, types: Sequence[str] | Mapping[str, str] | None, language: str | None
) -> list[Explained]:
    """What ``ner`` would ask about each window, and why. Asks no model; takes its time."""
    plans = ner.conversations(text, types, language=language)
    pieces = [readable(text)[plan.window.start : plan.window.end] for plan in plans]
    spoken = language or ner.settings.language or detect_language(text)
    retriever = ner.retriever
    if isinstance(retriever, StoresAsConfigured):
        retriever = retriever.opened(spoken)
    search = getattr(retriever, "cases", None)  # a retriever of the user's own has no stores to compare
    asked = entity_types(types or ())
    cases: Sequence[Sequence[Case]] = [()] * len(pieces) if search is None else search(pieces, asked, language=spoken)
    return [Explained(plan, found) for plan, found in zip(plans, cases, strict=True)]


def _candidate(case: Case, evidence: Evidence) -> dict[str, Any]:
    """A store's signals, and where the text stands among the store's own members, each left out of it."""
    calibration = case.calibrate()
    members = calibration.left_out[evidence.store]
    counts, edges = np.histogram(members, bins=_BINS, range=(min(0.0, float(members.min())), 1.0))
    return {
        "store": evidence.store,
        "size": len(evidence.view),
        "text_score": evidence.text,
        "wording": evidence.wording,
        "types_score": evidence.types,
        "score": evidence.score,
        "p_value": calibration.p_value(evidence.store, evidence.text),
        "threshold": evidence.view.threshold,
        "distribution": {"edges": edges.tolist(), "counts": counts.tolist(), "value": evidence.text},
    }


def _shown(shown: ShownExample) -> dict[str, Any]:
    example = shown.example
    return {
        "id": example.id,
        "store": example.domain,
        "text": example.text,
        "entities": [
            {key: value for key, value in asdict(entity).items() if key != "score"} for entity in example.entities
        ],
        "similarity": shown.similarity,
        "bm25": shown.bm25,
    }
