"""How many tokens of a text the embedded model reads best at once: ``python windows.py [CHECKPOINT]``.

Sentences that follow one another in sets left out of training are joined into texts of about ``--characters``, and all
types of a set are asked of each text, without examples, in windows of each size. Printed is UniversalNER's micro F1
with 95 % intervals and, against the first size, differences by a paired bootstrap over texts. Nothing is chosen on the
evaluation sets.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines.checkpoint import FILE_NAME, embedded_model
from ranit_rag.evaluation.counts import Counts
from ranit_rag.evaluation.data_sets import EvaluationSet, Selection, read_set
from ranit_rag.evaluation.significance import Sample, compare_f1, estimate_f1
from ranit_rag.types import Entity, Example
from ranit_training.calibration import find_in
from ranit_training.calibration.learning import KEEP, text_counts

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "ner"
UNSEEN = ("conll2003", "re3d", "ontonotes4_zh")
SIZES = (256, 64, 96, 128, 192, 512)
SHARE = {"en": 1.0, "zh": 0.4}  # of ``--characters``: Chinese says as much with fewer


def joined(name: str, characters: int, most: int) -> EvaluationSet:
    """At most ``most`` texts of about so many characters, made of the set's records in their order."""
    records = read_set(DATA / f"{name}.jsonl.xz", Selection(splits=("dev", "test")))
    size = characters * SHARE[records.language]
    texts = list(_joined(records.examples, size, " " if records.language == "en" else ""))
    return replace(records, examples=tuple(random.Random(0).sample(texts, min(most, len(texts)))), own=())


def _joined(records: Sequence[Example], size: float, blank: str) -> Iterator[Example]:
    text, entities = "", list[Entity]()
    for record in records:
        start = len(text) + len(blank) if text else 0
        text = text + blank + record.text if text else record.text
        entities += [replace(each, start=each.start + start, end=each.end + start) for each in record.entities]
        if len(text) >= size:
            yield replace(record, text=text, entities=tuple(entities))
            text, entities = "", []


def with_window(checkpoint: Path, tokens: int, folder: Path) -> Path:
    """The checkpoint with another ``window`` in its card."""
    copy = folder / f"window-{tokens}"
    copy.mkdir()
    for file in checkpoint.iterdir():
        (copy / file.name).symlink_to(file.resolve())
    about = json.loads((checkpoint / FILE_NAME).read_text("utf-8"))
    (copy / FILE_NAME).unlink()
    (copy / FILE_NAME).write_text(json.dumps({**about, "window": tokens}), "utf-8")
    return copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", type=Path, help="the embedded model, if none is given")
    parser.add_argument("--windows", type=int, nargs="+", default=SIZES, help="tokens; the first is the baseline")
    parser.add_argument("--characters", type=int, default=1200, help="of an English text; of a Chinese one 0.4 of it")
    parser.add_argument("--texts", type=int, default=100, help="of each set, at most")
    options = parser.parse_args()
    sets = [joined(name, options.characters, options.texts) for name in UNSEEN]
    print(
        f"| window | {' | '.join(f'{each.name}, {len(each.examples)} texts' for each in sets)} | mean | against | s |"
    )
    print("|---:|" + "---|" * (len(sets) + 2) + "---:|")
    baseline: Sample | None = None
    with tempfile.TemporaryDirectory() as name:
        for tokens in options.windows:
            started = time.perf_counter()
            found = measured(with_window(options.checkpoint or embedded_model(), tokens, Path(name)), sets, Path(name))
            baseline = baseline or found
            cells = [_cell({each.name: found[each.name]}) for each in sets]
            change = compare_f1(baseline, found).difference
            against = f"{100 * change.value:+.1f} [{100 * change.low:.1f}, {100 * change.high:.1f}]"
            seconds = time.perf_counter() - started
            print(f"| {tokens} | {' | '.join(cells)} | {_cell(found)} | {against} | {seconds:.0f} |", flush=True)


def measured(checkpoint: Path, sets: Sequence[EvaluationSet], folder: Path) -> Sample:
    """The counts of each text, all that is found kept."""
    journal = folder / f"{checkpoint.name}.jsonl"
    found = find_in(checkpoint, sets, journal, settings=Settings(dtype="bfloat16"))
    return {
        each.evaluated.name: [
            text_counts(entities, gold, each.evaluated.types, KEEP)
            for entities, gold in zip(each.found, each.gold, strict=True)
        ]
        for each in found
    }


def _cell(sample: Sample) -> str:
    score = estimate_f1(sample)
    whole = f" [{100 * score.low:.0f}, {100 * score.high:.0f}]"
    if len(sample) > 1:
        return f"**{100 * score.value:.1f}**{whole}"
    counts = sum(next(iter(sample.values())), Counts())
    return f"{100 * counts.precision:.1f} / {100 * counts.recall:.1f} / {100 * score.value:.1f}{whole}"


if __name__ == "__main__":
    main()
