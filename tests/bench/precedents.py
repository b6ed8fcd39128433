"""What the words of a text's own store are worth beside a model: sets left out of training, and the evaluation sets.

``python -m tests.bench.precedents [--texts 100] [--evaluation]`` prints UniversalNER's micro F1 of the embedded model
without examples, with the two nearest of the set's own train split, of the store's words alone (no model), and of both
together. Reads the annotated sets that lie beside the repository; answers are kept in a journal. The weights of
``ranit_rag.precedents`` are learned by ``training/experiments/nano/precedents.py``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines import Answer, Reply, open_engine
from ranit_rag.engines.base import EngineInfo
from ranit_rag.evaluation.arms import Arm
from ranit_rag.evaluation.data_sets import EvaluationSet, Selection, read_set, read_splits
from ranit_rag.evaluation.pools import Pools
from ranit_rag.evaluation.remembering import open_journal
from ranit_rag.evaluation.runner import Model, run_arms
from ranit_rag.evaluation.significance import Sample, compare_f1, estimate_f1
from ranit_rag.journal import Journal
from ranit_rag.overlaps import Decoding
from ranit_rag.prompts import Conversation
from ranit_rag.retrieval.lexicon import StoreLexicon, TextPrecedents
from ranit_training.calibration.learning import text_counts

# Left out of the embedded model's training, with a train split for a store.
LEFT_OUT = ("conll2003", "matscholar", "atis", "re3d", "ontonotes4_zh")
EVALUATED = ("crossner_ai", "crossner_politics", "crossner_science", "mit_movie", "boson_zh", "cluener2020", "cmeee")
NONE, SHOWN, BOTH = "no examples", "examples", "examples and words"
ALONE = "words alone"
ARMS = (
    Arm("never", name=NONE),
    Arm("always", pool=None, others=False, precedents=False, name=SHOWN),
    Arm("always", pool=None, others=False, precedents=True, name=BOTH),
)
ONLY = Arm("always", pool=None, others=False, precedents=True, min_score=0.0, name=ALONE)
KEEP = Decoding("keep", 0.0)


class Silent:
    """An engine that finds nothing, whatever it is asked."""

    info = EngineInfo("silent", "silent", 2048, 192)

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return [Reply(tuple(Answer("[]") for _ in each.queries)) for each in conversations]

    async def agenerate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return self.generate(conversations, max_tokens=max_tokens)


class Bench:
    """Runs arms over sets, with each answer asked once."""

    def __init__(self, sets: Sequence[EvaluationSet], journal: Journal, most: int | None) -> None:
        settings = Settings(dtype="bfloat16")
        self._model = Model("embedded", open_engine(settings), settings)
        self._silent = Model("silent", Silent(), Settings(profile="nano-en.v1"))
        self._sets, self._journal, self._pools = sets, journal, Pools(most=most)

    def measured(self, arms: Sequence[Arm], *, silent: bool = False) -> dict[str, Sample]:
        """The counts of each text, by arm and set."""
        model = self._silent if silent else self._model
        samples: dict[str, dict[str, list]] = {arm.name: {} for arm in arms}
        for run in run_arms([model], self._sets, arms, self._pools, self._journal):
            samples[run.arm.name][run.evaluated.name] = [
                text_counts(each.extraction.entities, each.example.entities, run.evaluated.types, KEEP)
                for each in run.results
                if each.extraction is not None
            ]
        return samples


def table(samples: dict[str, Sample], names: Sequence[str]) -> Iterator[str]:
    yield f"| set | {' | '.join(samples)} |"
    yield "|---" * (len(samples) + 1) + "|"
    for name in names:
        yield f"| {name} | {' | '.join(_cell({name: sample[name]}) for sample in samples.values())} |"
    yield f"| mean | {' | '.join(f'**{_cell(sample)}**' for sample in samples.values())} |"
    for name in (SHOWN, ALONE):
        compared = compare_f1(samples[name], samples[BOTH])
        change = compared.difference
        yield ""
        yield f"Both against {name}: {100 * change.value:+.1f} [{100 * change.low:.1f}, {100 * change.high:.1f}], "
        yield f"p {compared.p_value:.4f}."


def _cell(sample: Sample) -> str:
    score = estimate_f1(sample)
    return f"{100 * score.value:.1f} [{100 * score.low:.0f}, {100 * score.high:.0f}]"


def speed(data: Path) -> Iterator[str]:
    """What a large store costs: 100,000 sentences, and 200 texts asked for four types, twice."""
    splits = read_splits(data / "ner" / "fewnerd.jsonl.xz")
    stored, texts = tuple(splits["train"][:100_000]), [each.text for each in splits["test"][:200]]
    began = time.perf_counter()
    lexicon = StoreLexicon(stored)
    lexicon.boundaries()
    yield f"A store of {len(stored):,} sentences is read in {time.perf_counter() - began:.1f} s."
    for turn in ("first", "again"):
        began = time.perf_counter()
        for text in texts:
            precedents = TextPrecedents(text, lambda: lexicon, tuple)
            for place in precedents.annotated(("person", "company", "film", "geopolitical entity")):
                precedents.of(*place)
        yield f"A sentence, {turn}: {(time.perf_counter() - began) / len(texts) * 1000:.1f} ms."


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RANIT_SHARED_DATA", beside)))
    parser.add_argument("--texts", type=int, default=100, help="of each set")
    parser.add_argument("--most-own", type=int, default=5000, help="the most texts of a set's own store")
    parser.add_argument("--evaluation", action="store_true", help="the evaluation sets instead")
    parser.add_argument("--journal", type=Path, default=Path("out/precedents.jsonl"))
    given = parser.parse_args()
    given.journal.parent.mkdir(parents=True, exist_ok=True)
    names = EVALUATED if given.evaluation else LEFT_OUT
    sets = []
    for name in names:
        without = ("miscellaneous",) if name.startswith("crossner") else ()
        sets.append(read_set(given.data / "ner" / f"{name}.jsonl.xz", Selection(sample=given.texts, without=without)))
    with open_journal(given.journal) as journal:
        bench = Bench(sets, journal, given.most_own)
        samples = {**bench.measured(ARMS), **bench.measured([ONLY], silent=True)}
        print("\n".join(table(samples, names)), flush=True)
        print("\n" + "\n".join(speed(given.data)), flush=True)


if __name__ == "__main__":
    main()
