"""Running arms over sets: every text extracted as an arm would, with nothing asked twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from ranit_rag.collecting import Reading, collect, reading_for
from ranit_rag.config import Settings
from ranit_rag.engines.asking import asking
from ranit_rag.engines.base import Engine, Reply
from ranit_rag.engines.identity import identify_answers
from ranit_rag.errors import RanitError
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import GENERATE, RememberingEngine
from ranit_rag.journal import Journal
from ranit_rag.overlaps import Decoding
from ranit_rag.planning import Plan, Planner, Request
from ranit_rag.prompts.conversation import AnswerForm
from ranit_rag.results import Extraction
from ranit_rag.types import Example

TEXTS_AT_ONCE = 16  # so many are lost at most where a kill meets an in-process engine at work

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Model:
    """A model to evaluate: its engine, and the settings that it was opened with. ``name`` is for the report."""

    name: str
    engine: Engine
    settings: Settings


@dataclass(frozen=True, slots=True)
class Written:
    """One answer as the model wrote it, to a query for ``types``."""

    types: tuple[str, ...]
    form: AnswerForm
    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class TextResult:
    """What came of one text: its extraction and the answers behind it, or the ``error``."""

    example: Example
    extraction: Extraction | None
    answers: tuple[Written, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One arm on one set. ``results`` are in the order of the set's examples.

    ``seconds`` by stage: ``plan`` in this run, ``generate`` when the answers were asked for, whichever run that was.
    """

    model: str
    arm: Arm
    evaluated: EvaluationSet
    results: tuple[TextResult, ...]
    seconds: Mapping[str, float]


def run_arms(
    models: Sequence[Model],
    sets: Sequence[EvaluationSet],
    arms: Sequence[Arm],
    pools: Pools,
    journal: Journal,
    *,
    on_progress: Progress = lambda _: None,
) -> Iterator[ArmRun]:
    """All models on all sets in all arms, in this order. ``on_progress`` hears how many texts are done.

    A text that fails is a result with its error; what concerns all texts is raised. A run that was killed and is begun
    again with the same journal gives the same results, and asks only what was not answered.
    """
    done = count()

    def tell() -> None:
        on_progress(next(done) + 1)

    for model in models:
        engine = RememberingEngine(model.engine, journal, identify_answers(model.engine.info, model.settings))
        for evaluated in sets:
            for arm in arms:
                yield _run(model, engine, evaluated, arm, pools, tell)


def _run(
    model: Model, engine: Engine, evaluated: EvaluationSet, arm: Arm, pools: Pools, tell: Callable[[], None]
) -> ArmRun:
    planner = Planner(
        engine=engine,
        retriever=pools.retriever(arm, evaluated, asking(engine)),
        profile=model.settings.profile,
        language=evaluated.language,
        grammar=model.settings.grammar,
        max_tokens=model.settings.max_output_tokens,
        decoding=Decoding(model.settings.overlaps, model.settings.min_score, model.settings.precedents),
    )
    reading = reading_for(planner, arm.decoding)
    seconds = {"plan": 0.0, GENERATE: 0.0}
    results: list[TextResult] = []
    for first in range(0, len(evaluated.examples), TEXTS_AT_ONCE):
        texts = evaluated.examples[first : first + TEXTS_AT_ONCE]
        for result in _extract(planner, reading, evaluated, texts, seconds):
            results.append(result)
            tell()
    return ArmRun(model.name, arm, evaluated, tuple(results), seconds)


def _extract(
    planner: Planner,
    reading: Reading,
    evaluated: EvaluationSet,
    examples: Sequence[Example],
    seconds: dict[str, float],
) -> Iterator[TextResult]:
    started = time.perf_counter()
    planned = [_planned(planner, evaluated, example) for example in examples]
    seconds["plan"] += time.perf_counter() - started
    conversations = [plan.conversation for plans in planned if isinstance(plans, list) for plan in plans]
    replies = iter(planner.engine.generate(conversations, max_tokens=planner.answer_tokens) if conversations else ())
    for example, plans in zip(examples, planned, strict=True):
        if isinstance(plans, RanitError):
            yield TextResult(example, None, error=str(plans))
        else:
            own = [next(replies) for _ in plans]
            seconds[GENERATE] += sum(reply.usage.seconds.get(GENERATE, 0.0) for reply in own)
            yield _result(example, evaluated.language, plans, own, reading)


def _planned(planner: Planner, evaluated: EvaluationSet, example: Example) -> list[Plan] | RanitError:
    try:
        return planner.plan(Request(example.text, evaluated.types, language=evaluated.language))[1]
    except RanitError as error:
        return error


def _result(
    example: Example, language: str, plans: Sequence[Plan], replies: Sequence[Reply], reading: Reading
) -> TextResult:
    failed = next((reply.error for reply in replies if reply.error is not None), None)
    if failed is not None:
        return TextResult(example, None, error=str(failed))
    answers = tuple(
        Written(query.types, plan.conversation.form, answer.text, answer.finish == "length")
        for plan, reply in zip(plans, replies, strict=True)
        for query, answer in zip(plan.conversation.queries, reply.answers, strict=True)
    )
    return TextResult(example, collect(example.text, language, plans, replies, reading), answers)
