"""``ranit eval run``: arms on data sets, with a report."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ranit_rag.cli.eval.writing import TEXTS, ReportFormat, format_option, unwritable, write_directory, write_report
from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option, engine_options, parse_types
from ranit_rag.errors import InputError

if TYPE_CHECKING:
    from ranit_rag.config import Settings
    from ranit_rag.evaluation.arms import Arm
    from ranit_rag.evaluation.data_sets import EvaluationSet
    from ranit_rag.evaluation.report.building import Prices
    from ranit_rag.evaluation.runner import Model
    from ranit_rag.overlaps import Overlaps
    from ranit_rag.stores.base import StoreSet

_DEFAULT_JUDGES = ("never", "calibrated")


@click.command(short_help="Evaluate arms on annotated texts.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--split", help="The split to evaluate. Default: test, else dev, else all that is there.")
@click.option("--sample", type=click.IntRange(min=1), help="How many texts of each set, drawn at random. Default: all.")
@click.option("-t", "--type", "types", multiple=True, metavar="NAME", help="A type to ask for. Default: all there are.")
@click.option("--without-type", "without", multiple=True, metavar="NAME", help="A type that is not asked for.")
@click.option("--own-split", default="train", show_default=True, help="The split that fills a set's own store.")
@click.option(
    "--most-own", type=click.IntRange(min=1), default=1000, show_default=True, help="The most examples of an own store."
)
@click.option("--ablation", type=click.Choice(["paper"]), help="The arms of a study, instead of the next four options.")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    help="calibrated, paper, always, never, llm or nearest. Repeatable; default: never and calibrated.",
)
@click.option("--strategy", "strategies", multiple=True, help="nn, nn_bm25, diverse_nn … Repeatable; default: nn.")
@click.option("-k", "--k", "ks", multiple=True, type=int, help="How many examples are shown. Repeatable; default: 2.")
@click.option(
    "--pool",
    "pools",
    multiple=True,
    metavar="N|all",
    help="How many examples the set's own store has; 0: there is none. Repeatable; default: 0.",
)
@click.option(
    "--overlaps",
    "overlaps",
    multiple=True,
    type=click.Choice(["keep", "flat"]),
    help="What becomes of entities that overlap. Repeatable; default: what the model recommends.",
)
@click.option(
    "--min-score",
    "min_scores",
    multiple=True,
    type=float,
    help="The score below which entities are dropped. Repeatable; default: what the model recommends.",
)
@click.option(
    "--precedents/--no-precedents",
    default=None,
    help="Whether what a text's own store says of the same words counts. Default: as the model recommends.",
)
@click.option("--own-only", is_flag=True, help="Take examples from the set's own store alone.")
@click.option("--stores", help="The directory of the example stores, or the URL of a Chroma server.")
@click.option("--also-model", "models", multiple=True, help="A further model, with the same options. Repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides all that is drawn at random.")
@click.option(
    "--prices", metavar="PROMPT,CACHED,OUTPUT", help="Prices of a million tokens, to report what each arm costs."
)
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where answers are kept, so that none is asked twice. Default: in RANIT_HOME.",
)
@format_option
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A directory for report.json, report.md, report.html and texts.jsonl.",
)
@engine_options
@click.option("-q", "--quiet", is_flag=True, help="No progress bars, no warnings.")
@debug_option
def run(
    files: tuple[Path, ...],
    split: str | None,
    sample: int | None,
    types: tuple[str, ...],
    without: tuple[str, ...],
    own_split: str,
    most_own: int,
    ablation: str | None,
    judges: tuple[str, ...],
    strategies: tuple[str, ...],
    ks: tuple[int, ...],
    pools: tuple[str, ...],
    overlaps: tuple[Overlaps, ...],
    min_scores: tuple[float, ...],
    own_only: bool,
    stores: str | None,
    models: tuple[str, ...],
    seed: int,
    prices: str | None,
    journal: Path | None,
    form: ReportFormat,
    output: Path | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """Evaluate every combination of judge, strategy, k, pool, overlaps and least score on the texts of each FILE.

    A FILE is read as by `ranit store import`; JSON lines may name their "split". Answers are kept in a journal: a run
    that was stopped goes on where it was, and asks nothing twice. The exit code is 1 when a text failed.

    \b
    ranit eval run test.jsonl --sample 200 --judge never --judge calibrated -k 2 -k 4 -o out
    ranit eval run data.jsonl --judge always --pool 8 --pool 32 --pool all
    """
    if ablation and (judges or strategies or pools or overlaps or min_scores or own_only or len(ks) > 1):
        raise click.UsageError(
            "--ablation names the arms: no --judge, --strategy, --pool, --own-only, second -k, --overlaps, --min-score"
        )
    set_up_logs(quiet=quiet)
    from ranit_rag.config import Settings
    from ranit_rag.evaluation import arms as ways
    from ranit_rag.evaluation.data_sets import Selection, read_set
    from ranit_rag.evaluation.experiment import Experiment, run_experiment
    from ranit_rag.progress import progress_bar

    configured = Settings.load(stores=stores, **settings)
    if ablation is not None:
        arms = ways.ablation(ablation, *(ks or (configured.k,)))
    else:
        arms = ways.grid(
            judges or _DEFAULT_JUDGES,
            strategies or (configured.strategy,),
            ks or (configured.k,),
            [_size(pool) for pool in pools] or (0,),
            others=not own_only,
            overlaps=overlaps or (None,),
            min_scores=min_scores or (None,),
        )
    named = tuple(parse_types(types) or ())
    selection = Selection(split, sample, seed, named, tuple(parse_types(without) or ()), own_split)
    sets = _distinct([read_set(path, selection) for path in files], configured.language)
    experiment = Experiment(
        _models(configured, models), sets, arms, _stores(arms, configured), most_own, seed, _prices(prices)
    )
    kept = journal or configured.home / "evaluation" / "answers.jsonl"
    with (
        progress_bar("texts", shown=not quiet and sys.stderr.isatty(), total=experiment.texts) as bar,
        _rows_file(output) as rows,
    ):
        report = run_experiment(experiment, kept, texts=rows, on_progress=bar.show)
    if output is not None:
        write_directory(report, output)
        click.echo(f"written to {output}", err=True)
    write_report(report, form, output / TEXTS if output is not None else None)
    failed = sum(result.failed for result in report.results)
    if failed:
        click.echo(f"{failed} of {experiment.texts} extractions failed", err=True)
        raise click.exceptions.Exit(1)


def _size(pool: str) -> int | None:
    if pool == "all":
        return None
    if not pool.isdecimal():
        raise InputError(f"--pool {pool!r} is no number of examples", hint="give 0, 8, 32 … or all")
    return int(pool)


def _models(settings: Settings, others: Sequence[str]) -> list[Model]:
    from ranit_rag.engines import open_engine
    from ranit_rag.evaluation.runner import Model

    opened = []
    for each in (settings, *(replace(settings, model=name) for name in others)):
        engine = open_engine(each)
        opened.append(Model(Path(engine.info.model).name, engine, each))
    return opened


def _stores(arms: Sequence[Arm], settings: Settings) -> StoreSet | None:
    """The configured stores where an arm wants them."""
    if all(arm.judge == "never" or not arm.others for arm in arms):
        return None
    from ranit_rag.retrieval.opening import StoresAsConfigured

    return StoresAsConfigured(settings, ask=str).stores


def _distinct(sets: Sequence[EvaluationSet], language: str | None) -> list[EvaluationSet]:
    """The sets in the language given, with a number behind the name of files that are called the same."""
    seen: Counter[str] = Counter()
    named = []
    for each in sets:
        seen[each.name] += 1
        name = each.name if seen[each.name] == 1 else f"{each.name} {seen[each.name]}"
        named.append(replace(each, name=name, language=language or each.language))
    return named


def _prices(given: str | None) -> Prices | None:
    if given is None:
        return None
    try:
        prompt, cached, output = map(float, given.split(","))
    except ValueError as error:
        hint = "give three numbers: --prices 0.15,0.075,0.6"
        raise InputError(f"--prices {given!r} are not the prices of three kinds of tokens", hint=hint) from error
    return prompt, cached, output


@contextmanager
def _rows_file(output: Path | None) -> Iterator[IO[str] | None]:
    if output is None:
        yield None
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = (output / TEXTS).open("w", encoding="utf-8")
    except OSError as error:
        raise unwritable(output, error) from error
    with file:
        yield file
