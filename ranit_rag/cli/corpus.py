"""``ranit extract --input``: a corpus of files into a folder of parts, begun again as often as it takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ranit_rag.cli.following import followed
from ranit_rag.cli.sources import InputFormat
from ranit_rag.corpus.files import Corpus, find_files
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.corpus.run import Extractor
    from ranit_rag.corpus.summary import Prices, Summary
    from ranit_rag.pipeline import Ranit

Command = TypeVar("Command", bound=Callable[..., Any])

_PRICE = click.FloatRange(min=0)
_OPTIONS = (
    click.option(
        "-i",
        "--input",
        "inputs",
        multiple=True,
        metavar="DIR|GLOB|FILE",
        help="A corpus to read, into the folder --output. Repeatable. Begun again, it goes on where it was.",
    ),
    click.option("--text-column", help="The column of CSV and Parquet that holds the text. Default: text."),
    click.option("--resume/--no-resume", default=None, help="Without --resume an earlier run's output is deleted."),
    click.option("--retry-failed", is_flag=True, default=None, help="Ask those records again that failed."),
    click.option("--part-size", type=click.IntRange(min=1), help="How many records make a part. Default: 1000."),
    click.option(
        "--stop-after", type=click.IntRange(min=0), help="Stop when so many fail in a row. Default: 100; 0 is never."
    ),
    click.option("--price-prompt", type=_PRICE, help="The price of a million tokens read, to tell the cost."),
    click.option("--price-cached", type=_PRICE, help="The price of a million tokens read from a cache."),
    click.option("--price-output", type=_PRICE, help="The price of a million tokens written."),
    click.option("--engine-cluster", type=click.Choice(["ray"]), help="Run an engine on each worker of a Ray cluster."),
    click.option("--cluster-workers", type=click.IntRange(min=1), help="How many workers. Default: 2."),
    click.option("--cluster-gpus", type=_PRICE, help="The GPUs of each worker. Default: 1 for vllm, else none."),
)
_NEED_INPUT = (
    *("resume", "retry_failed", "part_size", "stop_after", "price_prompt", "price_cached", "price_output"),
    *("engine_cluster", "cluster_workers", "cluster_gpus"),
)


def corpus_options(command: Command) -> Command:
    """Options of the corpus path; ``take_corpus_options`` takes them from the others."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_corpus_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options of the corpus path out of all ``given``. Raises UsageError for one that needs --input."""
    inputs = given.pop("inputs")
    taken = {name: given.pop(name) for name in _NEED_INPUT}
    for name, value in taken.items():
        if value is not None and not inputs:
            raise click.UsageError(f"--{name.replace('_', '-')} is for a corpus: give --input")
    if taken["engine_cluster"] is None and (taken["cluster_workers"] or taken["cluster_gpus"]) is not None:
        raise click.UsageError("--cluster-workers and --cluster-gpus need --engine-cluster")
    if taken["price_cached"] is not None and taken["price_prompt"] is None:
        raise click.UsageError("--price-cached needs --price-prompt")
    return {"inputs": inputs, **taken}


def extract_to_folder(
    settings: Mapping[str, Any],
    output: Path,
    types: Mapping[str, str] | None,
    examples: tuple[Example, ...],
    *,
    inputs: tuple[str, ...],
    input_format: InputFormat,
    text_column: str,
    quiet: bool,
    resume: bool | None,
    retry_failed: bool | None,
    part_size: int | None,
    stop_after: int | None,
    engine_cluster: str | None,
    cluster_workers: int | None,
    cluster_gpus: float | None,
    **prices: float | None,
) -> None:
    """Run, and tell the summary on standard error; Exit with 1 where a record failed."""
    found = find_files(inputs, None if input_format == "auto" else input_format, without=output)
    corpus = Corpus(found.files, text_column=text_column)
    from ranit_rag.corpus.run import Policy, extract_corpus

    given = {"resume": resume, "retry_failed": retry_failed, "part_size": part_size, "stop_after": stop_after}
    policy = Policy(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    ner = _extractor(settings, engine_cluster, cluster_workers, cluster_gpus)
    priced = _prices(prices)
    with nullcontext(lambda _: None) if quiet else followed(corpus, priced, sys.stderr) as show:
        summary = extract_corpus(
            ner,
            corpus,
            output,
            types=types,
            examples=examples,
            policy=policy,
            skipped=found.skipped,
            prices=priced,
            on_progress=show,
        )
    if not quiet:
        click.echo("\n".join(_told(summary, output)), err=True)
    if summary.failed:
        click.echo(f"{summary.failed} of {summary.tally.records} records failed: see {output}/failures-*", err=True)
        raise click.exceptions.Exit(1)


def _extractor(
    settings: Mapping[str, Any], cluster: str | None, workers: int | None, gpus: float | None
) -> Ranit | Extractor:
    """What the settings name, on this machine or on a cluster: then no engine is opened here."""
    from ranit_rag.config import Settings

    loaded = Settings.load(**settings)
    if cluster is None:
        from ranit_rag.pipeline import Ranit

        return Ranit(settings=loaded)
    from ranit_rag.corpus.cluster import Workers

    return Workers(loaded, number=workers or 2, gpus=gpus)


def _prices(given: Mapping[str, float | None]) -> Prices | None:
    from ranit_rag.corpus.summary import Prices

    if all(value is None for value in given.values()):
        return None
    return Prices(given["price_prompt"] or 0.0, given["price_output"] or 0.0, given["price_cached"])


def _told(summary: Summary, output: Path) -> Iterator[str]:
    """The summary in a few lines."""
    told = summary.to_dict()
    rate = f", {summary.asked / summary.seconds:.1f}/s" if summary.asked else ""
    yield f"{output}: {told['records']:,} records, {summary.asked:,} asked in {summary.seconds:.1f} s{rate}"
    for name in ("entities", "routes", "dropped", "failures"):
        if told[name]:
            yield f"{name}: " + ", ".join(f"{label} {number:,}" for label, number in told[name].items())
    tokens = told["tokens"]
    cost = f", cost {told['cost']:g}" if "cost" in told else ""
    yield (
        f"tokens: {tokens['prompt_tokens']:,} read ({tokens['cached_tokens']:,} cached), "
        f"{tokens['output_tokens']:,} written in {tokens['calls']:,} calls{cost}"
    )
    if summary.skipped:
        yield f"skipped {len(summary.skipped)} files of unknown form, such as {summary.skipped[0]}"
