"""Judges: from the evidence of the stores to a verdict on one text. All are interchangeable, and so is any callable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from ranit_rag.errors import InputError
from ranit_rag.retrieval.calibration import Calibration
from ranit_rag.retrieval.signals import Evidence, Kind
from ranit_rag.types import Route

MIN_STORE_SIZE = 8
BM25_SHARE = 0.15  # of a text's self-score, from which an example of another domain is worth showing
PAPER_BM25 = 20.0
EXAMPLE_WIDTH = 300  # characters of an example that a model is shown
TEXT_WIDTH = 1200  # of the text itself

JudgeName = Literal["calibrated", "paper", "always", "never"]
JUDGES: tuple[JudgeName, ...] = get_args(JudgeName)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A text to judge. ``evidence`` comes best store first and is not empty; small stores are in it as well.

    ``types`` are the names asked for. ``calibrate`` learns from all the stores or remembers it; call it when needed.
    """

    text: str
    types: tuple[str, ...]
    language: str
    kind: Kind
    evidence: tuple[Evidence, ...]
    calibrate: Callable[[], Calibration]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``in_domain`` shows examples of ``store`` alone, ``out_domain`` those of all stores that pass the BM25 filter.

    The filter wants ``bm25_share`` of the text's self-score; or, where ``bm25`` is given, that score itself.
    """

    route: Route
    reason: str
    store: str | None = None
    margin: float | None = None
    probability: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    bm25_share: float = BM25_SHARE
    bm25: float | None = None


class Judge(Protocol):
    """Says which store a text is at home in.

    Any callable will do that returns a Verdict, or simply the name of a store, True for the best one, False or None
    where none fits.
    """

    def __call__(self, case: Case) -> Verdict | str | bool | None: ...


class Calibrated:
    """In domain where the calibrated P of the best store reaches the threshold and the store has 8 examples.

    The threshold is ``threshold`` where given, else what ``ranit store calibrate`` noted with the store, else 0.5; or
    the value that lets a share ``false_rate`` of the texts that belong to no store pass, by the stores' calibration.
    """

    def __init__(
        self,
        *,
        threshold: float | None = None,
        false_rate: float | None = None,
        min_store_size: int = MIN_STORE_SIZE,
        bm25_share: float = BM25_SHARE,
    ) -> None:
        for name, value in (("threshold", threshold), ("false_rate", false_rate), ("bm25_share", bm25_share)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value}", hint="give a number from 0 to 1")
        if threshold is not None and false_rate is not None:
            raise InputError("threshold and false_rate exclude each other", hint="false_rate chooses the threshold")
        self._threshold = threshold
        self._false_rate = false_rate
        self._min_store_size = min_store_size
        self._bm25_share = bm25_share

    def __call__(self, case: Case) -> Verdict:
        large = [item for item in case.evidence if len(item.view) >= self._min_store_size]
        if not large:
            reason = f"no store holds the {self._min_store_size} examples that a domain needs"
            return Verdict("out_domain", reason, bm25_share=self._bm25_share)
        best = large[0]
        calibration = case.calibrate()
        fit = calibration.fits[case.kind]
        runner_up = max([fit.floor, *(item.score for item in large[1:2])])
        margin = best.score - runner_up
        probability = fit.probability(best.score, margin, len(best.view))
        threshold = self._wanted(best, case.kind, calibration)
        inside = threshold <= probability and threshold < 1  # P can round to 1, and 1 is to mean never
        return Verdict(
            "in_domain" if inside else "out_domain",
            f"{describe(best)}, P(in domain) {probability:.2f} {'≥' if inside else '<'} {threshold:.2f}",
            best.store if inside else None,
            margin,
            probability,
            calibration.p_value(best.store, best.text),
            threshold,
            self._bm25_share,
        )

    def _wanted(self, best: Evidence, kind: Kind, calibration: Calibration) -> float:
        if self._false_rate is not None:
            return calibration.fits[kind].threshold(self._false_rate)
        if self._threshold is not None:
            return self._threshold
        noted = best.view.threshold
        return 0.5 if noted is None else noted


def describe(evidence: Evidence) -> str:
    """The signals in words: 'biomedicine: text 0.71, wording +0.42, types 1.00'."""
    types = f", types {evidence.types:.2f}" if evidence.types is not None else ""
    return f"{evidence.store}: text {evidence.text:.2f}, wording {evidence.wording:+.2f}{types}"


def paper(case: Case) -> Verdict:  # noqa: ARG001 — the paper's rule looks at the examples alone
    """The paper's rule out of domain: of the nearest examples, those with a BM25 score of 20 or more."""
    return Verdict("out_domain", "the paper's rule", bm25=PAPER_BM25)


def always(case: Case) -> Verdict:
    """The best store's examples, however far they are."""
    return Verdict("in_domain", f"{describe(case.evidence[0])}, always shown", case.evidence[0].store)


def never(case: Case) -> Verdict:  # noqa: ARG001 — nothing is looked at
    return Verdict("none", "examples are never shown")


class AskModel:
    """Asks a language model whether the nearest examples of the best store are of the text's kind.

    ``ask`` takes a prompt and returns the answer; it is called once for each text. What does not start with yes counts
    as no, and the reason quotes it. Of long texts the model is shown the start, so that the prompt stays short.
    """

    def __init__(self, ask: Callable[[str], str], *, shown: int = 3) -> None:
        self._ask = ask
        self._shown = shown

    def prompt(self, case: Case) -> str:
        best = case.evidence[0]
        examples = [best.view.snapshot.examples[row].text for row in best.rows[: self._shown]]
        listed = "\n".join(f"- {_shorten(' '.join(text.split()), EXAMPLE_WIDTH)}" for text in examples)
        types = ", ".join(best.view.types[:20])
        asked = f"\nWanted from it are: {', '.join(case.types)}." if case.types else ""
        return (
            f"A collection of texts named {best.store!r} is annotated with these types: {types}.\n"
            f"Some of its texts:\n{listed}\n\nA new text:\n{_shorten(case.text, TEXT_WIDTH)}\n{asked}\n"
            "Does the new text come from the same domain as the collection, so that its annotated texts are useful "
            "examples of what to find in it? Answer with yes or no."
        )

    def __call__(self, case: Case) -> Verdict:
        answer = self._ask(self.prompt(case)).strip()
        yes = re.match(r"\W*(yes|是)", answer, re.IGNORECASE) is not None
        reason = f"{describe(case.evidence[0])}, the model answered {answer[:40]!r}"
        return Verdict("in_domain", reason, case.evidence[0].store) if yes else Verdict("out_domain", reason)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[:width]} …"


_NAMED: dict[str, Callable[[], Judge]] = {
    "calibrated": Calibrated,
    "paper": lambda: paper,
    "always": lambda: always,
    "never": lambda: never,
}


def find_judge(judge: str | Judge) -> Judge:
    """The judge of this name, or the callable itself. Raises InputError for another name."""
    if not isinstance(judge, str):
        return judge
    if judge == "llm":
        raise InputError("the judge 'llm' needs a model to ask", hint="give AskModel(ask), where ask answers a prompt")
    if judge not in _NAMED:
        raise InputError(f"{judge!r} is not a judge", hint=f"judges are {', '.join(JUDGES)}, AskModel(ask), a callable")
    return _NAMED[judge]()


def verdict_of(answer: Verdict | str | bool | None, case: Case) -> Verdict:
    """What a judge said as a Verdict. Raises InputError for the name of a store that is no candidate."""
    if isinstance(answer, Verdict):
        named = answer.store
    elif isinstance(answer, str):
        named = answer
    else:
        named = case.evidence[0].store if answer else None
    candidates = [item.store for item in case.evidence]
    if named is not None and named not in candidates:
        raise InputError(f"the judge chose {named!r}", hint=f"the candidates were {', '.join(candidates)}")
    if isinstance(answer, Verdict):
        return answer
    if named is None:
        return Verdict("out_domain", f"{describe(case.evidence[0])}, refused by the judge")
    return Verdict("in_domain", f"{describe(case.evidence[candidates.index(named)])}, chosen by the judge", named)


__all__ = [
    "BM25_SHARE",
    "JUDGES",
    "MIN_STORE_SIZE",
    "AskModel",
    "Calibrated",
    "Case",
    "Judge",
    "JudgeName",
    "Verdict",
    "always",
    "find_judge",
    "never",
    "paper",
    "verdict_of",
]
