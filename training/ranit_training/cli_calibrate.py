"""``ranit calibrate``: scores of a checkpoint that mean what they say, and what should survive by them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, path_type=Path)


@click.command(short_help="Calibrate the scores of a checkpoint.", context_settings={"max_content_width": 100})
@click.argument("checkpoint", type=_DIRECTORY)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--split", help="The split to read of every file. Default: the first of dev, validation, test.")
@click.option("--sample", type=click.IntRange(min=1), default=60, show_default=True, help="Texts drawn from each file.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which texts are drawn.")
@click.option("--device", help="cpu, cuda, mps … Default: the best there is.")
@click.option("--dtype", help="float32, bfloat16 … Default: what suits the device.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where answers are kept, so that none is asked twice. Default: in RANIT_HOME.",
)
@click.option("--dry-run", is_flag=True, help="Measure, and leave the checkpoint as it is.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bars, no warnings.")
@debug_option
def calibrate(
    checkpoint: Path,
    files: tuple[Path, ...],
    split: str | None,
    sample: int,
    seed: int,
    device: str | None,
    dtype: str | None,
    journal: Path | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Learn from annotated texts what the probabilities of CHECKPOINT are worth, and write it into its ranit.json.

    Each FILE is a set of another kind of text, none of which the model was trained on; all have the same weight. From
    then on a score is the share of such mentions that are right, and the checkpoint recommends which entities to keep:
    overlapping ones or the best alone, and from which score on. What is told of a set was learned from the others.

    \b
    ranit calibrate my-checkpoint news.jsonl medicine.jsonl law.jsonl 客服.jsonl
    """
    set_up_logs(quiet=quiet)
    from ranit_rag.config import Settings
    from ranit_rag.progress import progress_bar
    from ranit_training.calibration import find_in, learn, write_card
    from ranit_training.calibration.card import check_card
    from ranit_training.calibration.finding import read_sets

    check_card(checkpoint)
    configured = Settings.load(device=device, dtype=dtype)
    sets = read_sets(files, split=split, sample=sample, seed=seed)
    texts = sum(len(each.examples) for each in sets)
    kept = journal or configured.home / "evaluation" / "answers.jsonl"
    asked = Settings(home=configured.home, device=configured.device, dtype=configured.dtype)
    with progress_bar("texts", shown=not quiet and sys.stderr.isatty(), total=texts) as bar:
        learned = learn(find_in(checkpoint, sets, kept, settings=asked, on_progress=bar.show))
    if not dry_run:
        write_card(checkpoint, learned, how={"seed": seed, "dtype": dtype or "auto", "examples": 0, "grammar": True})
    click.echo(json.dumps({"checkpoint": str(checkpoint), "written": not dry_run, **learned.to_dict()}, indent=1))
