"""What a checkpoint finds in annotated texts, with the probabilities as the model has them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines import open_engine
from ranit_rag.engines.base import Engine, EngineInfo, Reply
from ranit_rag.engines.calibration import ScoreCalibration
from ranit_rag.errors import DataError, EngineError
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import WHOLE, EvaluationSet, Selection, read_set
from ranit_rag.evaluation.metrics import mention_key, mention_outcomes
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import open_journal
from ranit_rag.evaluation.runner import ArmRun, Model, run_arms
from ranit_rag.overlaps import Decoding
from ranit_rag.prompts import Conversation
from ranit_rag.rivals import count_rivals
from ranit_rag.types import Entity
from ranit_training.calibration.fitting import Outcomes

SPLITS = ("dev", "validation", "test")  # never train: a model is too sure of what it learned by heart
EVERYTHING = Arm("never", overlaps="keep", min_score=0.0)


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A set with the entities that were found in each text, beside the annotated ones."""

    evaluated: EvaluationSet
    found: tuple[tuple[Entity, ...], ...]

    @property
    def gold(self) -> Iterator[tuple[Entity, ...]]:
        """The annotated entities of each text."""
        return (example.entities for example in self.evaluated.examples)

    @property
    def outcomes(self) -> Outcomes:
        """The mentions, as strings, whether they are right, and the rivals of each where it has fewest."""
        probabilities, right, rivals = [], [], []
        for found, gold in zip(self.found, self.gold, strict=True):
            counts = _rivals_of(found)
            fewest: dict[tuple[str, str], int] = {}
            for entity in found:
                key = mention_key(entity)
                fewest[key] = min(counts[entity], fewest.get(key, counts[entity]))
            for key, (probability, is_right) in mention_outcomes(found, gold).items():
                probabilities.append(probability)
                right.append(is_right)
                rivals.append(fewest[key])
        return Outcomes.of(probabilities, right, rivals)

    def scored(self, calibration: ScoreCalibration) -> FoundSet:
        """The same entities with calibrated scores."""
        return replace(self, found=tuple(tuple(_scored(entities, calibration)) for entities in self.found))


def together(name: str, sets: Sequence[FoundSet]) -> FoundSet:
    """One set of several small ones of a kind, each of whose texts was asked about its own set's types."""
    first = sets[0].evaluated
    merged = EvaluationSet(
        name,
        first.language,
        types=tuple(dict.fromkeys(label for each in sets for label in each.evaluated.types)),
        examples=tuple(example for each in sets for example in each.evaluated.examples),
        split=first.split,
        available=sum(each.evaluated.available for each in sets),
        digest=hashlib.sha256("".join(each.evaluated.digest for each in sets).encode()).hexdigest(),
    )
    return FoundSet(merged, tuple(found for each in sets for found in each.found))


def read_sets(
    files: Sequence[Path], *, split: str | None = None, sample: int | None = None, seed: int = 0
) -> list[EvaluationSet]:
    """The texts of each file: of ``split``, else of the first of dev, validation and test. Raises DataError."""
    sets = [read_set(path, Selection(split, sample, seed, own=None, splits=SPLITS)) for path in files]
    for each, path in zip(sets, files, strict=True):
        if split is None and each.split not in (*SPLITS, WHOLE):
            raise DataError(
                f"{path} has none of the splits {', '.join(SPLITS)}",
                hint="name one with --split; of texts that it was trained on a model is too sure",
            )
    return sets


def find_in(
    checkpoint: Path,
    sets: Sequence[EvaluationSet],
    journal: Path,
    *,
    settings: Settings | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[FoundSet]:
    """Ask the checkpoint about all types of all texts, without examples, as it would be without a calibration.

    ``journal`` keeps the answers: a run that was stopped goes on. Raises EngineError where a text fails, or the engine
    tells no probabilities.
    """
    settings = replace(settings or Settings(), engine="transformers", model=str(checkpoint), adapter=None)
    model = Model(checkpoint.name, _Plain(open_engine(settings)), settings)
    with open_journal(journal) as answers:
        runs = run_arms([model], sets, [EVERYTHING], Pools(), answers, on_progress=on_progress)
        return [FoundSet(run.evaluated, tuple(_found(run))) for run in runs]


def _rivals_of(entities: Sequence[Entity]) -> dict[Entity, int]:
    """The rivals of each entity of one text."""
    counts = count_rivals([(entity.start, entity.end, entity.label) for entity in entities])
    return {entity: counts[entity.start, entity.end, entity.label] for entity in entities}


def _scored(entities: Sequence[Entity], calibration: ScoreCalibration) -> Iterator[Entity]:
    for entity, rivals in _rivals_of(entities).items():
        yield replace(entity, score=calibration(entity.score or 0.0, rivals))


def _found(run: ArmRun) -> Iterator[tuple[Entity, ...]]:
    for result in run.results:
        if result.extraction is None:
            raise EngineError(f"a text of {run.evaluated.name} failed: {result.error}")
        if any(entity.score is None for entity in result.extraction.entities):
            raise EngineError("the engine tells no probabilities", hint="use the transformers engine")
        yield result.extraction.entities


class _Plain:
    """An engine whose checkpoint says nothing of its scores."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def info(self) -> EngineInfo:
        return replace(self._engine.info, calibration=None, decoding=Decoding())

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return self._engine.generate(conversations, max_tokens=max_tokens)

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return await self._engine.agenerate(conversations, max_tokens=max_tokens)
