"""A few annotated texts, a scripted model that errs in known ways, and an experiment on both."""

from __future__ import annotations

from collections.abc import Sequence

from ranit_rag.config import Settings
from ranit_rag.engines.base import Engine
from ranit_rag.errors import EngineError
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.experiment import Experiment
from ranit_rag.evaluation.runner import Model
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.testing import ScriptedEngine

NEVER = Arm("never")
ALWAYS = Arm("always", pool=None, others=False)
SEEDS = seed_examples("news")
TYPES = ("person", "organization", "location")


def small_set(name: str = "news", texts: int = 12, own: int = 20) -> EvaluationSet:
    """English news: some texts to evaluate, others for the set's store."""
    return EvaluationSet(name, "en", TYPES, SEEDS[:texts], SEEDS[texts : texts + own], "test", texts)


def reader(evaluated: EvaluationSet) -> ScriptedEngine:
    """Finds the persons; takes the first word of each text for a location; invents an organization, Umbrella Corp."""
    return ScriptedEngine(answers(evaluated), context=20_000)


def answers(evaluated: EvaluationSet) -> dict[tuple[str, str], list[str] | EngineError]:
    """What ``reader`` answers."""
    persons = {
        (example.text, "person"): [entity.text for entity in example.entities if entity.label == "person"]
        for example in evaluated.examples
    }
    words = {(example.text, "location"): [example.text.split()[0]] for example in evaluated.examples}
    invented = {(example.text, "organization"): ["Umbrella Corp"] for example in evaluated.examples}
    return {**persons, **words, **invented}


def experiment(engine: Engine, sets: Sequence[EvaluationSet], arms: Sequence[Arm] = (NEVER, ALWAYS)) -> Experiment:
    """The engine as the only model, on the sets."""
    settings = Settings(profile="uniner.v1")
    return Experiment([Model("scripted", engine, settings)], sets, arms)
