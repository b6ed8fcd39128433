"""Calibrated scores and flat entities: learned on sets that were left out of training, measured on the evaluation sets.

``python -m tests.bench.calibration [--write] [--dev-only] [--spared DIR]`` prints the tables of
``training/RESULTS.md``. Reads the annotated sets that lie beside the repository. ``--write`` puts what was learned into
the checkpoint's ``ranit.json``, as ``ranit calibrate`` would. ``--spared`` learns from the blocks of written texts that
the recipe does not learn, too (``python -m ranit_training.nano.written … -o DIR``), those of a language as one set, and
measures them. Nothing is chosen on the evaluation sets. Goes on where a run with the same journals was stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ranit_rag.config import Settings
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import EvaluationSet, Selection, read_set
from ranit_rag.evaluation.metrics import mention_outcomes
from ranit_rag.evaluation.reliability import calibration_error
from ranit_rag.evaluation.significance import Sample, compare_f1, estimate_f1
from ranit_rag.overlaps import Decoding, survivors
from ranit_rag.types import Entity
from ranit_training.calibration import FoundSet, Learned, find_in, learn, together, write_card
from ranit_training.calibration.finding import read_sets
from ranit_training.calibration.learning import KEEP, text_counts

# Sets that the model has not seen, as users' texts are: on seen ones it is surer with reason.
LEARNED_ON = {
    "en": "conll2003 matscholar atis re3d ozrock",
    "zh": "ontonotes4_zh",
}
EVALUATED = {
    "en": "crossner_ai crossner_politics crossner_science mit_movie",
    "zh": "boson_zh cluener2020 cmeee",
}
# UniversalNER never asks for what is left over.
NOT_ASKED = dict.fromkeys(("crossner_ai", "crossner_politics", "crossner_science"), ("miscellaneous",))
FLAT = Decoding("flat", 0.0)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Way:
    """One way of decoding what was found."""

    name: str
    decoding: Decoding


def learning_table(learned: Learned) -> Iterator[str]:
    """Each set by what was learned from the others, and the mean F1 of each decoding."""
    yield "| set | split | texts | mentions | right | ECE before | after | F1 kept | recommended |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for each in learned.sets:
        shares = (each.ece_before, each.ece_after, each.f1_keep, each.f1_recommended)
        numbers = (each.texts, each.mentions, each.right, *(f"{share * 100:.1f}" for share in shares))
        yield f"| {each.name} | {each.split} | {' | '.join(map(str, numbers))} |"
    means = (learned.mean(name) * 100 for name in ("ece_before", "ece_after", "f1_keep", "f1_recommended"))
    yield f"| mean | | | | | {' | '.join(f'{mean:.1f}' for mean in means)} |"
    leasts = sorted({least for _, least, _ in learned.f1})
    yield from (
        "",
        f"| least score | {' | '.join(f'{least:g}' for least in leasts)} |",
        "|---|" + "---:|" * len(leasts),
    )
    for overlaps in ("keep", "flat"):
        row = [f1 for way, _, f1 in learned.f1 if way == overlaps]
        yield f"| {overlaps} | {' | '.join(f'{f1 * 100:.1f}' for f1 in row)} |"


def evaluation_tables(sets: Sequence[FoundSet], learned: Learned) -> Iterator[str]:
    """F1 and calibration error of each way on each set and over all."""
    ways = [Way("keep", KEEP), Way("flat", FLAT), Way("recommended", learned.decoding)]
    if learned.decoding.overlaps == "keep":
        ways.insert(2, Way("flat, recommended score", Decoding("flat", learned.decoding.min_score)))
    scored = [each.scored(learned.calibration) for each in sets]
    samples: dict[str, Sample] = {
        way.name: {each.evaluated.name: _counts(each, way.decoding) for each in scored} for way in ways
    }
    yield f"| set | texts | {' | '.join(f'{way.name}: P / R / F1' for way in ways)} | ECE before | after |"
    yield "|---|---:|" + "---:|" * (len(ways) + 2)
    for raw, each in zip(sets, scored, strict=True):
        name = each.evaluated.name
        cells = [_prf(samples[way.name][name]) for way in ways]
        cells += [f"{error_of(outcomes_of(one)) * 100:.1f}" for one in (raw, each)]
        yield f"| {name} | {len(each.found)} | {' | '.join(cells)} |"
    yield from (
        "",
        "| | F1, mean of the sets | interval | against keep | interval | p |",
        "|---|---:|---|---:|---|---:|",
    )
    for way in ways:
        for title, names in groups_of(sets):
            own = {name: samples[way.name][name] for name in names}
            score = estimate_f1(own)
            cells = [f"{score.value * 100:.1f}", f"{score.low * 100:.1f} … {score.high * 100:.1f}", "", "", ""]
            if way.name != "keep":
                compared = compare_f1({name: samples["keep"][name] for name in names}, own)
                change = compared.difference
                cells[2:] = [
                    f"{change.value * 100:+.1f}",
                    f"{change.low * 100:+.1f} … {change.high * 100:+.1f}",
                    f"{compared.p_value:.4f}",
                ]
            yield f"| {way.name}, {title} | {' | '.join(cells)} |"
    yield from (
        "",
        "| calibration error, mean of the sets | before | after | difference | interval |",
        "|---|---:|---:|---:|---|",
    )
    for title, chosen in (("all mentions", KEEP), ("what the recommendation keeps", learned.decoding)):
        yield f"| {title} | {' | '.join(_ece_cells(sets, scored, chosen))} |"


def spared_table(sets: Sequence[FoundSet], learned: Learned) -> Iterator[str]:
    """The mean over blocks of the F1 of what is recommended."""
    found = {each.evaluated.name: _counts(each.scored(learned.calibration), learned.decoding) for each in sets}
    yield from ("| spared | blocks | texts | F1 | interval |", "|---|---:|---:|---:|---|")
    for title, names in groups_of(sets):
        own = {name: found[name] for name in names}
        score = estimate_f1(own)
        interval = f"{score.low * 100:.1f} … {score.high * 100:.1f}"
        yield f"| {title} | {len(own)} | {sum(map(len, own.values()))} | {score.value * 100:.1f} | {interval} |"


Scored = list[list[tuple[float, bool]]]
"""The mentions of each text."""


def _counts(each: FoundSet, decoding: Decoding) -> list[Counts]:
    types = each.evaluated.types
    return [text_counts(found, gold, types, decoding) for found, gold in zip(each.found, each.gold, strict=True)]


def _prf(counts: Sequence[Counts]) -> str:
    whole = sum(counts, Counts())
    return f"{whole.precision * 100:.1f} / {whole.recall * 100:.1f} / **{whole.f1 * 100:.1f}**"


def groups_of(sets: Sequence[FoundSet]) -> Iterator[tuple[str, list[str]]]:
    """All, and those of each language, by name."""
    yield "all", [each.evaluated.name for each in sets]
    for language, spoken in (("en", "English"), ("zh", "Chinese")):
        if names := [each.evaluated.name for each in sets if each.evaluated.language == language]:
            yield spoken, names


def outcomes_of(each: FoundSet, kept: Sequence[Sequence[Entity]] | None = None) -> Scored:
    """The scores of what was found, or of what was ``kept`` of it, and whether it is right."""
    found = each.found if kept is None else kept
    return [list(mention_outcomes(entities, gold).values()) for entities, gold in zip(found, each.gold, strict=True)]


def error_of(texts: Scored, drawn: np.ndarray | None = None) -> float:
    """The calibration error over the texts, or over those that were ``drawn``."""
    chosen = texts if drawn is None else [texts[place] for place in drawn]
    pairs = [pair for text in chosen for pair in text]
    return calibration_error([score for score, _ in pairs], [right for _, right in pairs])


def kept_of(each: FoundSet, decoding: Decoding) -> list[Sequence[Entity]]:
    """What ``decoding`` keeps of what was found in each text."""
    asked = {name: place for place, name in enumerate(each.evaluated.types)}
    return [survivors(entities, decoding, asked)[0] for entities in each.found]


def _ece_cells(raw: Sequence[FoundSet], scored: Sequence[FoundSet], decoding: Decoding) -> list[str]:
    """The mean error before and after over what ``decoding`` keeps, by the calibrated scores, of both."""
    before, after = [], []
    for plain, each in zip(raw, scored, strict=True):
        kept = kept_of(each, decoding)
        places = [{(e.start, e.end, e.label) for e in entities} for entities in kept]
        same = [
            [e for e in entities if (e.start, e.end, e.label) in there]
            for entities, there in zip(plain.found, places, strict=True)
        ]
        before.append(outcomes_of(plain, same))
        after.append(outcomes_of(each, kept))
    rng = np.random.default_rng(0)
    changes = []
    for _ in range(RESAMPLES):
        draws = [rng.integers(len(texts), size=len(texts)) for texts in before]
        changes.append(
            np.mean([error_of(a, draw) - error_of(b, draw) for b, a, draw in zip(before, after, draws, strict=True)])
        )
    low, high = np.quantile(changes, [0.025, 0.975])
    means = [float(np.mean([error_of(texts) for texts in each])) for each in (before, after)]
    return [
        *(f"{mean * 100:.1f}" for mean in means),
        f"{(means[1] - means[0]) * 100:+.1f}",
        f"{low * 100:+.1f} … {high * 100:+.1f}",
    ]


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RANIT_SHARED_DATA", beside)))
    parser.add_argument("--checkpoint", type=Path, default=embedded_model())
    parser.add_argument("--sample", type=int, default=100, help="texts of each set that is learned from")
    parser.add_argument("--texts", type=int, default=150, help="texts of each evaluation set")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--journals", type=Path, default=Path("out/calibration"), help="where answers are kept")
    parser.add_argument("--write", action="store_true", help="write what was learned into ranit.json")
    parser.add_argument("--dev-only", action="store_true", help="leave the evaluation sets alone")
    parser.add_argument("--spared", type=Path, help="a folder of blocks that the recipe does not learn")
    given = parser.parse_args()
    started = time.perf_counter()
    settings = Settings(dtype=given.dtype)

    def found_in(sets: Sequence[EvaluationSet], journal: str) -> list[FoundSet]:
        texts = sum(len(each.examples) for each in sets)

        def tell(done: int) -> None:
            if done % 50 == 0 or done == texts:
                print(f"{time.perf_counter() - started:6.0f} s  {done} of {texts} texts", file=sys.stderr, flush=True)

        return find_in(given.checkpoint, sets, given.journals / journal, settings=settings, on_progress=tell)

    folder = given.data / "ner"
    files = [folder / f"{name}.jsonl.xz" for names in LEARNED_ON.values() for name in names.split()]
    sets = found_in(read_sets(files, sample=given.sample), "learning.jsonl")
    blocks: list[FoundSet] = []
    if given.spared:
        read = [read_set(path, Selection()) for path in sorted(given.spared.glob("*.jsonl.xz"))]
        blocks = found_in(read, "spared.jsonl")
        for language in LEARNED_ON:
            if spoken := [block for block in blocks if block.evaluated.language == language]:
                sets.append(together(f"spared_{language}", spoken))
    learned = learn(sets)
    calibration, decoding = learned.calibration, learned.decoding
    print(f"temperature {calibration.temperature}, bias {calibration.bias}, rivals {calibration.rivals}, {decoding}\n")
    print("\n".join(learning_table(learned)))
    if blocks:
        print("\n" + "\n".join(spared_table(blocks, learned)))
    if not given.dev_only:
        evaluated = [
            read_set(
                folder / f"{name}.jsonl.xz", Selection(sample=given.texts, without=NOT_ASKED.get(name, ()), own=None)
            )
            for names in EVALUATED.values()
            for name in names.split()
        ]
        print("\n" + "\n".join(evaluation_tables(found_in(evaluated, "evaluation.jsonl"), learned)))
    if given.write:
        write_card(given.checkpoint, learned, how={"seed": 0, "dtype": given.dtype, "examples": 0, "grammar": True})


if __name__ == "__main__":
    main()
