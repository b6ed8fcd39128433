"""What a checkpoint's own ``ranit.json`` makes of its answers to annotated texts, without examples.

``python -m tests.bench.recommended FILE.jsonl.xz …`` prints UniversalNER's micro F1 and the calibration error of each
set, and their means by language; ``--types`` the precision, recall and F1 of each type over all of the sets. Learns
nothing, so it shows a change of the weights alone. Goes on where a run with the same journal was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines.checkpoint import embedded_model, read_checkpoint
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import Selection, read_set
from ranit_rag.evaluation.significance import estimate_f1
from ranit_rag.overlaps import Decoding
from ranit_training.calibration import FoundSet, find_in
from ranit_training.calibration.learning import KEEP, text_counts
from tests.bench.calibration import NOT_ASKED, error_of, groups_of, kept_of, outcomes_of


def set_table(sets: Sequence[FoundSet], decoding: Decoding) -> Iterator[str]:
    """F1 and the calibration error of all mentions, and of those that are kept."""
    yield from ("| set | texts | P / R / F1 | ECE, all | kept |", "|---|---:|---:|---:|---:|")
    counts = {
        each.evaluated.name: [
            text_counts(found, gold, each.evaluated.types, decoding)
            for found, gold in zip(each.found, each.gold, strict=True)
        ]
        for each in sets
    }
    errors = {
        each.evaluated.name: [error_of(outcomes_of(each, kept_of(each, way))) for way in (KEEP, decoding)]
        for each in sets
    }
    for name, texts in counts.items():
        whole = sum(texts, Counts())
        shares = [whole.precision, whole.recall, whole.f1]
        found = " / ".join(f"{share * 100:.1f}" for share in shares)
        yield f"| {name} | {len(texts)} | {found} | {' | '.join(f'{error * 100:.1f}' for error in errors[name])} |"
    for title, names in groups_of(sets):
        score = estimate_f1({name: counts[name] for name in names})
        means = [sum(errors[name][way] for name in names) / len(names) for way in range(2)]
        yield (
            f"| mean, {title} | {sum(len(counts[name]) for name in names)} "
            f"| **{score.value * 100:.1f}** [{score.low * 100:.1f}, {score.high * 100:.1f}] "
            f"| {' | '.join(f'{mean * 100:.2f}' for mean in means)} |"
        )


def type_table(sets: Sequence[FoundSet], decoding: Decoding) -> Iterator[str]:
    """Each type over all sets that have it, the most frequent first."""
    counts: dict[str, Counts] = defaultdict(Counts)
    for each in sets:
        for found, gold in zip(each.found, each.gold, strict=True):
            for label in each.evaluated.types:
                own = [[entity for entity in entities if entity.label == label] for entities in (found, gold)]
                counts[label] += text_counts(own[0], own[1], (label,), decoding)
    yield from ("| type | P / R / F1 |", "|---|---:|")
    for label, count in sorted(counts.items(), key=lambda item: -item[1].there):
        yield f"| {label} | {count.precision * 100:.0f} / {count.recall * 100:.0f} / {count.f1 * 100:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=embedded_model())
    parser.add_argument("--texts", type=int, help="of each set; else all")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--journal", type=Path, default=Path("out/recommended.jsonl"), help="where answers are kept")
    parser.add_argument("--types", action="store_true", help="tell of each type, too")
    given = parser.parse_args()
    card = read_checkpoint(given.checkpoint)
    if card.calibration is None:
        sys.exit(f"the scores of {given.checkpoint} are not calibrated: run `ranit calibrate` first")
    read = [
        read_set(
            path,
            Selection(sample=given.texts, without=NOT_ASKED.get(path.name.partition(".")[0], ()), own=None),
        )
        for path in given.files
    ]

    def tell(done: int) -> None:
        if done % 100 == 0:
            print(f"{done} texts", file=sys.stderr, flush=True)

    given.journal.parent.mkdir(parents=True, exist_ok=True)
    found = find_in(given.checkpoint, read, given.journal, settings=Settings(dtype=given.dtype), on_progress=tell)
    sets = [each.scored(card.calibration) for each in found]
    print("\n".join(set_table(sets, card.decoding)))
    if given.types:
        print("\n" + "\n".join(type_table(sets, card.decoding)))


if __name__ == "__main__":
    main()
