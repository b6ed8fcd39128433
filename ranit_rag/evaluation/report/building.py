"""From the runs of all arms to the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np

import ranit_rag
from ranit_rag.engines.identity import identify
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.counts import Counts, total
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.reliability import abstention_curve, calibration_error, reliability_curve
from ranit_rag.evaluation.report.document import (
    VERSION,
    ArmInfo,
    Calibration,
    Histogram,
    Judged,
    ModelInfo,
    Report,
    Result,
    RouteResult,
    Score,
    SetInfo,
    StoreInfo,
    Summary,
    Timings,
    Tokens,
    TypeResult,
)
from ranit_rag.evaluation.runner import ArmRun, Model, TextResult
from ranit_rag.evaluation.scoring import Losses, TextScore, score_text
from ranit_rag.evaluation.significance import LEVEL, Comparison, Sample, compare_f1, estimate_f1
from ranit_rag.results import Usage
from ranit_rag.stores.base import StoreSet
from ranit_rag.types import Decision, Route

BINS = 20
ROUTES: tuple[Route, ...] = get_args(Route)

Prices = tuple[float, float, float]
"""Of a million prompt tokens that were computed, of cached ones, and of output tokens."""


@dataclass(slots=True)
class ReportBuilder:
    """Takes the runs one by one, and makes the report of all.

    ``repeated`` counts the texts of each set that stand in a store, ``own`` the examples that its own store may hold.
    """

    models: Sequence[Model]
    sets: Sequence[EvaluationSet]
    arms: Sequence[Arm]
    stores: StoreSet | None
    repeated: Mapping[str, int]
    own: Mapping[str, int]
    seed: int = 0
    prices: Prices | None = None
    _results: list[Result] = field(default_factory=list)
    _stages: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    def add(self, run: ArmRun) -> Result:
        """Score a run."""
        name = self.arm_name(run.model, run.arm)
        result = score_run(run, name, self.seed, self.prices)
        self._results.append(result)
        self._stages.setdefault(name, {})[run.evaluated.name] = dict(run.seconds)
        return result

    def arm_name(self, model: str, arm: Arm) -> str:
        """The arm's name in the report."""
        return arm.name if len(self.models) == 1 else f"{model}: {arm.name}"

    def build(self) -> Report:
        """The report of the runs so far."""
        named = {self.arm_name(model.name, arm): (model, arm) for model in self.models for arm in self.arms}
        total_seconds = sum(s for sets in self._stages.values() for stages in sets.values() for s in stages.values())
        return Report(
            VERSION,
            ranit_rag.__version__,
            self.seed,
            LEVEL,
            self.prices,
            tuple(_model_info(model) for model in self.models),
            tuple(_set_info(each, self.own[each.name], self.repeated[each.name]) for each in self.sets),
            tuple(_stores_info(self.stores)),
            tuple(
                ArmInfo(
                    *(name, model.name, arm.judge, arm.strategy, arm.k, arm.pool, arm.others),
                    *(arm.overlaps, arm.min_score),
                )
                for name, (model, arm) in named.items()
            ),
            tuple(_summaries(list(named), self.sets, self._results, self.seed)),
            tuple(self._results),
            Timings(round(total_seconds, 3), self._stages),
        )


def score_run(run: ArmRun, name: str, seed: int, prices: Prices | None) -> Result:
    """All scores of one arm on one set."""
    types = run.evaluated.types
    scores = [score_text(result, types) for result in run.results]
    by_text = [total(score.mentions.values()) for score in scores]
    interval = estimate_f1({run.evaluated.name: by_text}, seed=seed)
    originals = [score.original for score in scores]
    return Result(
        arm=name,
        set=run.evaluated.name,
        texts=len(run.results),
        failed=sum(result.extraction is None for result in run.results),
        mentions=replace(_score(by_text), low=interval.low, high=interval.high),
        original=None if None in originals else _score(c for one in originals if one for c in one.values()),
        strict=_score(counts for score in scores for counts in score.strict.values()),
        partial=_score(counts for score in scores for counts in score.partial.values()),
        types=tuple(
            TypeResult(each, _score(s.mentions[each] for s in scores), _score(s.strict[each] for s in scores))
            for each in types
        ),
        routes=tuple(_routes(run.results, scores)),
        losses=sum((score.losses for score in scores), Losses()),
        judged=_judged([d for r in run.results if r.extraction is not None for d in r.extraction.decisions]),
        calibration=_calibration(run.results, types),
        tokens=_tokens([r.extraction.usage for r in run.results if r.extraction is not None], prices),
        counts=tuple((counts.right, counts.found, counts.there) for counts in by_text),
    )


def _score(counts: Iterable[Counts]) -> Score:
    whole = total(counts)
    return Score(whole.precision, whole.recall, whole.f1, whole.right, whole.found, whole.there)


def _routes(results: Sequence[TextResult], scores: Sequence[TextScore]) -> Iterable[RouteResult]:
    for route in ROUTES:
        rows = [
            (result.extraction.decision, score)
            for result, score in zip(results, scores, strict=True)
            if result.extraction is not None and result.extraction.decision.route == route
        ]
        if rows:
            yield RouteResult(
                route,
                len(rows),
                float(np.mean([len(decision.examples) for decision, _ in rows])),
                _score(counts for _, score in rows for counts in score.mentions.values()),
                _score(counts for _, score in rows for counts in score.strict.values()),
            )


def _judged(decisions: Sequence[Decision]) -> Judged:
    similarity: dict[str, Histogram] = {}
    for route in ROUTES:
        values = [d.text_score for d in decisions if d.route == route and d.text_score is not None]
        if values:
            similarity[route] = _histogram(values)
    probabilities = [d.probability for d in decisions if d.probability is not None]
    thresholds = [d.threshold for d in decisions if d.threshold is not None]
    return Judged(
        similarity,
        _histogram(probabilities) if probabilities else None,
        float(np.mean(thresholds)) if thresholds else None,
    )


def _histogram(values: Sequence[float]) -> Histogram:
    counts, edges = np.histogram(np.clip(values, 0, 1), bins=BINS, range=(0, 1))
    return Histogram(tuple(np.round(edges, 4).tolist()), tuple(counts.tolist()))


def _calibration(results: Sequence[TextResult], types: Sequence[str]) -> Calibration | None:
    scores, right = [], []
    there = 0
    for result in results:
        gold = {(e.start, e.end, e.label) for e in result.example.entities if e.label in types}
        there += len(gold)
        for entity in result.extraction.entities if result.extraction is not None else ():
            if entity.score is None:
                return None
            scores.append(entity.score)
            right.append(float((entity.start, entity.end, entity.label) in gold))
    if not scores:
        return None
    curve = tuple(reliability_curve(scores, right))
    return Calibration(calibration_error(scores, right), curve, tuple(abstention_curve(scores, right, there)))


def _tokens(usages: Sequence[Usage], prices: Prices | None) -> Tokens:
    whole = sum(usages, Usage())
    return _priced(whole.prompt_tokens, whole.cached_tokens, whole.output_tokens, whole.calls, prices)


def _priced(prompt: int, cached: int, output: int, calls: int, prices: Prices | None) -> Tokens:
    cost = None
    if prices is not None:
        cost = ((prompt - cached) * prices[0] + cached * prices[1] + output * prices[2]) / 1e6
    return Tokens(prompt, cached, output, calls, cost)


def _summaries(
    arms: Sequence[str], sets: Sequence[EvaluationSet], results: Sequence[Result], seed: int
) -> Iterable[Summary]:
    languages = list(dict.fromkeys(each.language for each in sets))
    for language in ["", *(languages if len(languages) > 1 else [])]:
        names = [each.name for each in sets if language in ("", each.language)]
        samples = {arm: _sample(results, arm, names) for arm in arms}
        baseline = samples[arms[0]]
        for arm in arms:
            own = [each for each in results if each.arm == arm and each.set in names]
            if own:
                comparison = compare_f1(baseline, samples[arm], seed=seed) if arm != arms[0] else None
                yield _summary(arm, language, own, samples[arm], comparison, seed)


def _summary(
    arm: str, language: str, results: Sequence[Result], sample: Sample, comparison: Comparison | None, seed: int
) -> Summary:
    texts = sum(each.texts for each in results)
    routed: Counter[str] = Counter()
    examples = 0.0
    for route in (route for each in results for route in each.routes):
        routed[route.route] += route.texts
        examples += route.examples * route.texts
    spent = [each.tokens for each in results]
    costs = [each.cost for each in spent if each.cost is not None]
    return Summary(
        arm,
        language,
        len(results),
        estimate_f1(sample, seed=seed),
        float(np.mean([each.strict.f1 for each in results])),
        comparison,
        examples / max(texts, 1),
        {route: routed[route] / max(texts, 1) for route in ROUTES if routed[route]},
        Tokens(
            sum(each.prompt for each in spent),
            sum(each.cached for each in spent),
            sum(each.output for each in spent),
            sum(each.calls for each in spent),
            sum(costs) if costs else None,
        ),
    )


def _sample(results: Sequence[Result], arm: str, names: Sequence[str]) -> Sample:
    return {
        each.set: [Counts(*counts) for counts in each.counts]
        for each in results
        if each.arm == arm and each.set in names
    }


def _model_info(model: Model) -> ModelInfo:
    info = model.engine.info
    return ModelInfo(model.name, info.name, info.context, identify(info, model.settings))


def _set_info(each: EvaluationSet, own: int, repeated: int) -> SetInfo:
    mentions = sum(entity.label in each.types for example in each.examples for entity in example.entities)
    return SetInfo(
        each.name,
        each.language,
        each.split,
        len(each.examples),
        each.available,
        mentions,
        each.types,
        own,
        repeated,
        each.digest,
    )


def _stores_info(stores: StoreSet | None) -> Iterable[StoreInfo]:
    if stores is not None:
        for name in stores.names():
            yield StoreInfo(name, len(stores.open(name)))
